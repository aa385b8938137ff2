"""TriggerAuthentication and ClusterTriggerAuthentication, keda.sh/v1alpha1: where credentials come from.

Every field of KEDA's is declared, so that a manifest keeps all it says; which sources this build resolves is
the business of ``scaler.triggers.authentication``.
"""

from typing import Annotated, Literal

import msgspec

from scaler.api.meta import Kind, ObjectMeta, ObjectRef
from scaler.api.scaledobject import API_VERSION


class SecretTargetRef(Kind, frozen=True):
    """One parameter from a key of a Secret or ConfigMap."""

    parameter: str
    """The parameter it fills."""
    name: str
    """Name of the Secret or ConfigMap."""
    key: str
    """The key in it."""


class AuthEnvironment(Kind, frozen=True):
    """One parameter from the environment of the target's container."""

    parameter: str
    """The parameter it fills."""
    name: str
    """Name of the variable."""
    container_name: str = ""
    """The container; the trigger's default one when empty."""


class PodIdentity(Kind, frozen=True):
    """Credentials by identity instead of secrets."""

    provider: Literal["azure-workload", "gcp", "aws", "aws-eks", "none"]
    """Whose identity; aws-eks is deprecated."""
    identity_id: str | None = None
    """Azure: client id to use instead of the default."""
    identity_tenant_id: str | None = None
    """Azure: tenant to use instead of the default."""
    identity_authority_host: str | None = None
    """Azure: authority to use instead of the default."""
    role_arn: str | None = None
    """AWS: the role to assume."""
    external_id: str | None = msgspec.field(default=None, name="externalID")
    """AWS: the external id the role asks for."""
    identity_owner: Literal["keda", "workload"] | None = None
    """AWS: whose identity assumes the role, the operator's or the workload's."""


class SecretKeyRef(Kind, frozen=True):
    """A key of a Secret."""

    name: str
    key: str


class ValueFromSecret(Kind, frozen=True):
    """A value that stands in a Secret."""

    secret_key_ref: SecretKeyRef


class SecretValue(Kind, frozen=True):
    """A value that stands elsewhere."""

    value_from: ValueFromSecret


class VaultCredential(Kind, frozen=True):
    """How to log in to Vault."""

    token: str = ""
    service_account: str = ""
    service_account_name: str = ""


class VaultPkiData(Kind, frozen=True):
    """What to ask Vault's PKI for."""

    common_name: str = ""
    alt_names: str = ""
    ip_sans: str = ""
    uri_sans: str = ""
    other_sans: str = ""
    ttl: str = ""
    format: str = ""


class VaultSecret(Kind, frozen=True):
    """One parameter from Vault."""

    parameter: str
    path: str
    key: str
    type: Literal["", "secretV2", "secret", "pki"] = ""
    pki_data: VaultPkiData | None = None


class HashiCorpVault(Kind, frozen=True):
    """Parameters from HashiCorp Vault."""

    address: str
    authentication: Literal["token", "kubernetes"]
    secrets: Annotated[tuple[VaultSecret, ...], msgspec.Meta(min_length=1)]
    namespace: str = ""
    role: str = ""
    mount: str = ""
    credential: VaultCredential | None = None


class AzureKeyVaultSecret(Kind, frozen=True):
    """One parameter from Azure Key Vault."""

    parameter: str
    name: str
    version: str = ""


class AzureKeyVaultCredentials(Kind, frozen=True):
    """How to log in to Azure Key Vault."""

    client_id: str
    tenant_id: str
    client_secret: SecretValue


class AzureKeyVaultCloud(Kind, frozen=True):
    """Which Azure cloud."""

    type: str
    key_vault_resource_url: str = msgspec.field(default="", name="keyVaultResourceURL")
    active_directory_endpoint: str = ""


class AzureKeyVault(Kind, frozen=True):
    """Parameters from Azure Key Vault."""

    vault_uri: str
    secrets: Annotated[tuple[AzureKeyVaultSecret, ...], msgspec.Meta(min_length=1)]
    credentials: AzureKeyVaultCredentials | None = None
    pod_identity: PodIdentity | None = None
    cloud: AzureKeyVaultCloud | None = None


class GcpSecret(Kind, frozen=True):
    """One parameter from GCP Secret Manager."""

    parameter: str
    id: str
    version: str = "latest"


class GcpCredentials(Kind, frozen=True):
    """How to log in to GCP."""

    client_secret: SecretValue


class GcpSecretManager(Kind, frozen=True):
    """Parameters from GCP Secret Manager."""

    secrets: Annotated[tuple[GcpSecret, ...], msgspec.Meta(min_length=1)]
    credentials: GcpCredentials | None = None
    pod_identity: PodIdentity | None = None


class AwsSecret(Kind, frozen=True):
    """One parameter from AWS Secrets Manager."""

    parameter: str
    name: str
    version_id: str = ""
    version_stage: str = ""
    secret_key: str = ""


class AwsSecretCredentials(Kind, frozen=True):
    """How to log in to AWS."""

    access_key: SecretValue
    access_secret_key: SecretValue
    access_token: SecretValue | None = None


class AwsSecretManager(Kind, frozen=True):
    """Parameters from AWS Secrets Manager."""

    secrets: Annotated[tuple[AwsSecret, ...], msgspec.Meta(min_length=1)]
    credentials: AwsSecretCredentials | None = None
    pod_identity: PodIdentity | None = None
    region: str = ""


class BoundServiceAccountToken(Kind, frozen=True):
    """One parameter from a token of a ServiceAccount."""

    parameter: str
    service_account_name: str


class OAuth2(Kind, frozen=True):
    """Parameters for an OAuth 2 client."""

    client_id: str = ""
    client_secret: SecretValue | None = None
    token_url: str = ""
    type: Literal["clientCredentials"] = "clientCredentials"
    scopes: tuple[str, ...] = ()
    token_url_params: dict[str, str] = {}


class TriggerAuthenticationSpec(Kind, frozen=True):
    """Where a trigger's credentials come from."""

    pod_identity: PodIdentity | None = None
    """Credentials by identity instead of secrets."""
    secret_target_ref: tuple[SecretTargetRef, ...] = ()
    """Parameters from Secrets."""
    config_map_target_ref: tuple[SecretTargetRef, ...] = ()
    """Parameters from ConfigMaps."""
    env: tuple[AuthEnvironment, ...] = ()
    """Parameters from the environment of the target's container."""
    file_path: str = ""
    """Cluster-wide only: a JSON file of parameters, which replaces all others."""
    hashi_corp_vault: HashiCorpVault | None = None
    """Parameters from HashiCorp Vault."""
    azure_key_vault: AzureKeyVault | None = None
    """Parameters from Azure Key Vault."""
    gcp_secret_manager: GcpSecretManager | None = None
    """Parameters from GCP Secret Manager."""
    aws_secret_manager: AwsSecretManager | None = None
    """Parameters from AWS Secrets Manager."""
    bound_service_account_token: tuple[BoundServiceAccountToken, ...] = ()
    """Parameters from tokens of ServiceAccounts."""
    oauth2: OAuth2 | None = None
    """Parameters for an OAuth 2 client."""


class TriggerAuthenticationStatus(Kind, frozen=True):
    """Who uses an authentication."""

    scaledobjects: str = ""
    """Comma-joined names."""
    scaledjobs: str = ""
    """Comma-joined names."""


class TriggerAuthentication(Kind, frozen=True):
    """Credentials for triggers of one namespace."""

    metadata: ObjectMeta
    spec: TriggerAuthenticationSpec
    status: TriggerAuthenticationStatus = TriggerAuthenticationStatus()
    api_version: str = API_VERSION
    kind: str = "TriggerAuthentication"

    @property
    def ref(self) -> ObjectRef:
        """Which object this is."""
        meta = self.metadata
        return ObjectRef(self.kind, meta.namespace, meta.name, self.api_version, meta.uid)


class ClusterTriggerAuthentication(TriggerAuthentication, frozen=True):
    """Credentials for triggers of every namespace; its Secrets stand in the operator's."""

    kind: str = "ClusterTriggerAuthentication"
