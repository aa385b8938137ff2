"""From a TriggerAuthentication or its cluster-wide kind to the parameters and the identity that triggers get.

Sources are read in upstream's order, later ones over earlier: podIdentity, env, filePath (which replaces all),
configMapTargetRef, secretTargetRef, boundServiceAccountToken, oauth2. A Secret or a key that is not there gives an
empty text and a note, as upstream does and logs. Sources that this build cannot read are named as problems.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from urllib.parse import urlencode

import msgspec

from scaler.api.authentication import OAuth2, PodIdentity, TriggerAuthentication, TriggerAuthenticationSpec
from scaler.api.meta import Raw
from scaler.errors import ApiError, Problem
from scaler.triggers.environment import container_environment
from scaler.triggers.lookup import Access, Lookup, Reader

_ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"
_ELSEWHERE = "is not read by this build: put the values into a Secret and name it in secretTargetRef"


class Workload(msgspec.Struct, frozen=True):
    """As much of the target as authentications look at."""

    namespace: str
    pod_spec: Raw | None = None
    """None where the target has no pod template."""
    container: str = ""
    """The container whose environment counts unless another is named; the first one when empty."""


class Resolved(msgspec.Struct, frozen=True):
    """What an authentication came to."""

    auth: dict[str, str] = {}
    identity: PodIdentity | None = None
    notes: tuple[str, ...] = ()
    """What was missing; triggers are built without it."""
    problems: tuple[Problem, ...] = ()
    """Why it cannot be used."""


async def resolve(
    authentication: TriggerAuthentication, workload: Workload, lookup: Lookup, access: Access
) -> Resolved:
    """Read everything that the authentication names. Raises ApiError when the API server does not say."""
    spec = authentication.spec
    clustered = authentication.kind == "ClusterTriggerAuthentication"
    namespace = access.cluster_namespace if clustered else authentication.metadata.namespace
    reader = Reader(lookup, access)
    problems = list(_unread(spec, clustered=clustered, file_root=access.file_root))
    if problems:
        return Resolved(problems=tuple(_named(authentication, problem) for problem in problems))
    if spec.file_path:
        return await _from_file(authentication, access)
    auth, more = await _identity(spec.pod_identity, workload, lookup)
    problems += more
    auth |= await _environment(spec, workload, reader)
    auth |= await _from_references(spec, namespace, reader)
    auth |= await _tokens(spec, workload.namespace, lookup, access, reader)
    if spec.oauth2 is not None:
        auth |= await _oauth2(spec.oauth2, namespace, reader)
    return Resolved(
        auth,
        spec.pod_identity,
        tuple(f"{_name(authentication)}: {note}" for note in reader.notes),
        tuple(_named(authentication, problem) for problem in problems),
    )


def _unread(spec: TriggerAuthenticationSpec, *, clustered: bool, file_root: str) -> Iterator[Problem]:
    """The sources that are not read here."""
    for field, given in (
        ("hashiCorpVault", spec.hashi_corp_vault),
        ("azureKeyVault", spec.azure_key_vault),
        ("gcpSecretManager", spec.gcp_secret_manager),
        ("awsSecretManager", spec.aws_secret_manager),
    ):
        if given is not None:
            yield Problem(f"spec.{field}", _ELSEWHERE)
    if spec.file_path:
        yield from _path_problems(spec.file_path, clustered=clustered, root=file_root)


def _path_problems(path: str, *, clustered: bool, root: str) -> Iterator[Problem]:
    parts = PurePosixPath(path)
    if not clustered:
        yield Problem("spec.filePath", "is for a ClusterTriggerAuthentication only", path)
    elif not root:
        yield Problem("spec.filePath", "needs the operator's --filepath-auth-root-path", path)
    elif parts.is_absolute() or ".." in parts.parts:
        yield Problem(
            "spec.filePath", "must be relative to the operator's --filepath-auth-root-path, without ..", path
        )


async def _from_file(authentication: TriggerAuthentication, access: Access) -> Resolved:
    """The file's parameters instead of all others."""
    file = Path(access.file_root) / authentication.spec.file_path
    try:
        content = await asyncio.to_thread(file.read_bytes)
        return Resolved(msgspec.json.decode(content, type=dict[str, str]), authentication.spec.pod_identity)
    except (OSError, msgspec.DecodeError) as error:
        problem = Problem("spec.filePath", f"is not a JSON object of texts that can be read: {error}", str(file))
        return Resolved(problems=(_named(authentication, problem),))


async def _identity(
    identity: PodIdentity | None, workload: Workload, lookup: Lookup
) -> tuple[dict[str, str], list[Problem]]:
    """The role of an AWS identity: named, or the one that the workload's ServiceAccount has."""
    if identity is None or identity.provider not in {"aws", "aws-eks"}:
        return {}, []
    if identity.provider == "aws" and identity.identity_owner != "workload":
        named = {"awsRoleArn": identity.role_arn, "awsExternalId": identity.external_id}
        return {name: value for name, value in named.items() if value}, []
    if workload.pod_spec is None:
        return {}, [Problem("spec.podIdentity", "of the workload needs a target with a pod template")]
    account = workload.pod_spec.get("serviceAccountName") or "default"
    annotations = await lookup.get_service_account(workload.namespace, account)
    role = (annotations or {}).get(_ROLE_ANNOTATION, "")
    if not role:
        there = "has no annotation" if annotations is not None else "is not there, so it has no annotation"
        return {}, [
            Problem(
                "spec.podIdentity", f"serviceaccount {account} in {workload.namespace} {there} {_ROLE_ANNOTATION}"
            )
        ]
    return {"awsRoleArn": role}, []


async def _environment(spec: TriggerAuthenticationSpec, workload: Workload, reader: Reader) -> dict[str, str]:
    found: dict[str, str] = {}
    environments: dict[str, dict[str, str]] = {}
    for entry in spec.env:
        container = entry.container_name or workload.container
        if workload.pod_spec is None:
            reader.note("the target has no pod template, so env has nothing to read")
            return dict.fromkeys((entry.parameter for entry in spec.env), "")
        if container not in environments:
            environments[container] = await container_environment(
                workload.pod_spec, container, workload.namespace, reader
            )
        what = f"the environment of container {container or 'number 1'}"
        found[entry.parameter] = environments[container].get(entry.name, "")
        if entry.name not in environments[container]:
            reader.note(f"{what} has no variable {entry.name}")
    return found


async def _from_references(spec: TriggerAuthenticationSpec, namespace: str, reader: Reader) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in spec.config_map_target_ref:
        data = await reader.config_map(namespace, entry.name)
        found[entry.parameter] = reader.value(data, entry.key, f"configmap {entry.name} in {namespace}")
    for entry in spec.secret_target_ref:
        data = await reader.secret(namespace, entry.name)
        found[entry.parameter] = reader.value(data, entry.key, f"secret {entry.name} in {namespace}")
    return found


async def _tokens(
    spec: TriggerAuthenticationSpec, namespace: str, lookup: Lookup, access: Access, reader: Reader
) -> dict[str, str]:
    """Tokens of ServiceAccounts of the object's own namespace."""
    found: dict[str, str] = {}
    for entry in spec.bound_service_account_token:
        try:
            token = await lookup.create_token(namespace, entry.service_account_name, access.token_seconds)
        except ApiError as error:
            if error.status not in {403, 404}:
                raise
            token = ""
            reader.note(f"no token of serviceaccount {entry.service_account_name} in {namespace}: {error.message}")
        found[entry.parameter] = token
    return found


async def _oauth2(oauth2: OAuth2, namespace: str, reader: Reader) -> dict[str, str]:
    secret = ""
    if oauth2.client_secret is not None:
        reference = oauth2.client_secret.value_from.secret_key_ref
        data = await reader.secret(namespace, reference.name)
        secret = reader.value(data, reference.key, f"secret {reference.name} in {namespace}")
    return {
        "oauthTokenURI": oauth2.token_url,
        "clientID": oauth2.client_id,
        "clientSecret": secret,
        "scopes": ",".join(oauth2.scopes),
        "endpointParams": urlencode(oauth2.token_url_params),
    }


def _name(authentication: TriggerAuthentication) -> str:
    return f"{authentication.kind} {authentication.metadata.name}"


def _named(authentication: TriggerAuthentication, problem: Problem) -> Problem:
    return Problem("authenticationRef", f"{_name(authentication)}, {problem}", problem.value)
