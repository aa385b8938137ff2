"""The rules of a TriggerAuthentication that no schema can say: which fields of an identity go together.

Source: upstream's admission webhook for authentications.
"""

from collections.abc import Iterator

from scaler.api.authentication import ClusterTriggerAuthentication, OAuth2, PodIdentity, TriggerAuthentication
from scaler.errors import Problem

_HTTP = ("http://", "https://")
_AWS = frozenset({"aws", "aws-eks"})


def problems(authentication: TriggerAuthentication) -> list[Problem]:
    """Everything wrong with a TriggerAuthentication or ClusterTriggerAuthentication by itself."""
    return list(_problems(authentication))


def _problems(authentication: TriggerAuthentication) -> Iterator[Problem]:
    spec = authentication.spec
    if spec.pod_identity is not None:
        yield from _identity(spec.pod_identity)
    if spec.oauth2 is not None:
        yield from _oauth2(spec.oauth2)
    if spec.file_path and not isinstance(authentication, ClusterTriggerAuthentication):
        yield Problem("spec.filePath", "is read of a ClusterTriggerAuthentication only: remove it", spec.file_path)


def _identity(identity: PodIdentity) -> Iterator[Problem]:
    if identity.provider == "azure-workload":
        yield from _azure(identity)
    elif identity.provider in _AWS:
        yield from _aws(identity)


def _azure(identity: PodIdentity) -> Iterator[Problem]:
    path = "spec.podIdentity"
    if identity.identity_id == "":
        yield Problem(f"{path}.identityId", "is empty: write a client id, or remove it for the default one", "")
    if identity.identity_tenant_id == "":
        yield Problem(f"{path}.identityTenantId", "is empty: write a tenant, or remove it for the default one", "")
    if identity.identity_authority_host and not identity.identity_tenant_id:
        message = "needs identityTenantId beside it: an authority is asked for a tenant"
        yield Problem(f"{path}.identityAuthorityHost", message, identity.identity_authority_host)


def _aws(identity: PodIdentity) -> Iterator[Problem]:
    path = "spec.podIdentity"
    if identity.role_arn and identity.identity_owner == "workload":
        message = (
            "cannot stand beside identityOwner workload, which takes the role of the workload: remove one of them"
        )
        yield Problem(f"{path}.roleArn", message, identity.role_arn)
    if identity.external_id and not identity.role_arn:
        message = "needs roleArn beside it: it is what that role asks for"
        yield Problem(f"{path}.externalID", message, identity.external_id)


def _oauth2(oauth2: OAuth2) -> Iterator[Problem]:
    if not oauth2.client_id:
        yield Problem("spec.oauth2.clientId", "is empty: write who asks for the token", "")
    if not oauth2.token_url.startswith(_HTTP):
        message = f'"{oauth2.token_url}" is no URL: it begins with http:// or https://'
        yield Problem("spec.oauth2.tokenUrl", message, oauth2.token_url)
