"""Triggers beside the authentications of the same set: whether they find each other, and what is missing."""

from collections.abc import Mapping

from scaler.api.authentication import TriggerAuthentication
from scaler.api.scaledobject import TriggerSpec
from scaler.errors import Problem

Authentications = Mapping[tuple[str, str, str], TriggerAuthentication]
"""By kind, namespace and name."""

_UNSERVED = {
    "hashi_corp_vault": "hashiCorpVault",
    "azure_key_vault": "azureKeyVault",
    "gcp_secret_manager": "gcpSecretManager",
    "aws_secret_manager": "awsSecretManager",
    "oauth2": "oauth2",
    "file_path": "filePath",
}
"""Sources of credentials that KEDA has and this version does not ask."""
PLACEHOLDER = "given by the authentication"
_IDENTITIES = frozenset({"aws", "aws-eks", "none"})


def unserved(authentication: TriggerAuthentication) -> list[Problem]:
    """The sources that this version does not ask, so that what they hold would be missing."""
    spec = authentication.spec
    found = [
        Problem(f"spec.{name}", "is not asked by this version: triggers would go without what it holds")
        for field, name in _UNSERVED.items()
        if getattr(spec, field)
    ]
    if spec.pod_identity is not None and spec.pod_identity.provider not in _IDENTITIES:
        message = f"{spec.pod_identity.provider} is not served by this version: triggers would go without it"
        found.append(Problem("spec.podIdentity.provider", message))
    return found


def known(trigger: TriggerSpec, namespace: str, authentications: Authentications) -> dict[str, str] | None:
    """The parameters that the trigger's authentication gives, by placeholders; None when that is not known."""
    found = _named(trigger, namespace, authentications)
    names = None if found is None else parameters_of(found)
    return None if names is None else dict.fromkeys(names, PLACEHOLDER)


def about_placeholder(problem: Problem) -> bool:
    """A problem that is with our placeholder, not with what the user wrote."""
    return problem.value == PLACEHOLDER or f'"{PLACEHOLDER}"' in problem.message


def hints(index: int, trigger: TriggerSpec, namespace: str, authentications: Authentications) -> list[Problem]:
    """Where the set has an authentication of that name which the trigger does not see."""
    ref = trigger.authentication_ref
    if ref is None or _named(trigger, namespace, authentications) is not None:
        return []
    path, kind = f"spec.triggers[{index}].authenticationRef", ref.kind or "TriggerAuthentication"
    return _elsewhere(path, kind, ref.name, namespace, authentications)


def _named(trigger: TriggerSpec, namespace: str, authentications: Authentications) -> TriggerAuthentication | None:
    ref = trigger.authentication_ref
    if ref is None:
        return None
    kind = ref.kind or "TriggerAuthentication"
    return authentications.get((kind, "" if kind.startswith("Cluster") else namespace, ref.name))


def _elsewhere(path: str, kind: str, name: str, namespace: str, authentications: Authentications) -> list[Problem]:
    for other_kind, other_namespace, other_name in authentications:
        if other_name == name and other_kind != kind:
            return [
                Problem(
                    f"{path}.kind", f"names a {kind}, but {name} is a {other_kind} here: write kind: {other_kind}"
                )
            ]
        if other_name == name and other_kind == kind:
            message = f"{name} stands in namespace {other_namespace} here, and is looked for in {namespace}"
            return [Problem(f"{path}.name", message)]
    return []


def parameters_of(authentication: TriggerAuthentication) -> set[str] | None:
    """The names of all parameters that it gives; None when that cannot be known from the manifest."""
    spec = authentication.spec
    if spec.pod_identity is not None or any(getattr(spec, field) for field in _UNSERVED):
        return None
    from_objects = (*spec.secret_target_ref, *spec.config_map_target_ref)
    return {
        *(source.parameter for source in from_objects),
        *(source.parameter for source in spec.env),
        *(source.parameter for source in spec.bound_service_account_token),
    }
