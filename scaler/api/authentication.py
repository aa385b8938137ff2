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
    """Name of the Secret."""
    key: str
    """The key in it."""


class ValueFromSecret(Kind, frozen=True):
    """A value that stands in a Secret."""

    secret_key_ref: SecretKeyRef
    """Which Secret, which key."""


class SecretValue(Kind, frozen=True):
    """A value that stands elsewhere."""

    value_from: ValueFromSecret
    """Where."""


class VaultCredential(Kind, frozen=True):
    """How to log in to Vault."""

    token: str = ""
    """A Vault token, for the token method."""
    service_account: str = ""
    """File of a ServiceAccount token, for the kubernetes method."""
    service_account_name: str = ""
    """ServiceAccount whose token is asked for, for the kubernetes method."""


class VaultPkiData(Kind, frozen=True):
    """What to ask Vault's PKI for."""

    common_name: str = ""
    """Common name of the certificate."""
    alt_names: str = ""
    """Further DNS names and e-mail addresses, comma-joined."""
    ip_sans: str = ""
    """Further IP addresses, comma-joined."""
    uri_sans: str = ""
    """Further URIs, comma-joined."""
    other_sans: str = ""
    """Further names of other kinds."""
    ttl: str = ""
    """How long it is valid."""
    format: str = ""
    """Format of the certificate."""


class VaultSecret(Kind, frozen=True):
    """One parameter from Vault."""

    parameter: str
    """The parameter it fills."""
    path: str
    """Where the secret lies in Vault."""
    key: str
    """The key in it."""
    type: Annotated[
        Literal["", "secretV2", "secret", "pki"],
        msgspec.Meta(extra_json_schema={"enum": ["", "secretV2", "secret", "pki"]}),
    ] = ""
    """Kind of secret engine; found out when empty."""
    pki_data: VaultPkiData | None = None
    """What to ask for, for the type pki."""


class HashiCorpVault(Kind, frozen=True):
    """Parameters from HashiCorp Vault."""

    address: str
    """URL of Vault."""
    authentication: Literal["token", "kubernetes"]
    """How to log in."""
    secrets: Annotated[tuple[VaultSecret, ...], msgspec.Meta(min_length=1)]
    """What to take from it."""
    namespace: str = ""
    """Namespace in Vault (Enterprise)."""
    role: str = ""
    """Role, for the kubernetes method."""
    mount: str = ""
    """Mount of the kubernetes method."""
    credential: VaultCredential | None = None
    """What to log in with."""


class AzureKeyVaultSecret(Kind, frozen=True):
    """One parameter from Azure Key Vault."""

    parameter: str
    """The parameter it fills."""
    name: str
    """Name of the secret."""
    version: str = ""
    """Its version; the newest when empty."""


class AzureKeyVaultCredentials(Kind, frozen=True):
    """How to log in to Azure Key Vault."""

    client_id: str
    """Client id of the application."""
    tenant_id: str
    """Its tenant."""
    client_secret: SecretValue
    """Its secret."""


class AzureKeyVaultCloud(Kind, frozen=True):
    """Which Azure cloud."""

    type: str
    """Name of the cloud; Private needs the two addresses below."""
    key_vault_resource_url: str = msgspec.field(default="", name="keyVaultResourceURL")
    """Resource that tokens are asked for, in a private cloud."""
    active_directory_endpoint: str = ""
    """Where tokens are asked for, in a private cloud."""


class AzureKeyVault(Kind, frozen=True):
    """Parameters from Azure Key Vault."""

    vault_uri: str
    """URL of the vault."""
    secrets: Annotated[tuple[AzureKeyVaultSecret, ...], msgspec.Meta(min_length=1)]
    """What to take from it."""
    credentials: AzureKeyVaultCredentials | None = None
    """What to log in with."""
    pod_identity: PodIdentity | None = None
    """Whom to log in as instead."""
    cloud: AzureKeyVaultCloud | None = None
    """Which cloud; the public one when unset."""


class GcpSecret(Kind, frozen=True):
    """One parameter from GCP Secret Manager."""

    parameter: str
    """The parameter it fills."""
    id: str
    """Id of the secret."""
    version: str = "latest"
    """Its version."""


class GcpCredentials(Kind, frozen=True):
    """How to log in to GCP."""

    client_secret: SecretValue
    """A service account key."""


class GcpSecretManager(Kind, frozen=True):
    """Parameters from GCP Secret Manager."""

    secrets: Annotated[tuple[GcpSecret, ...], msgspec.Meta(min_length=1)]
    """What to take from it."""
    credentials: GcpCredentials | None = None
    """What to log in with."""
    pod_identity: PodIdentity | None = None
    """Whom to log in as instead."""


class AwsSecret(Kind, frozen=True):
    """One parameter from AWS Secrets Manager."""

    parameter: str
    """The parameter it fills."""
    name: str
    """Name of the secret."""
    version_id: str = ""
    """Its version."""
    version_stage: str = ""
    """Its staging label."""
    secret_key: str = ""
    """Key in a secret that is a JSON object; the whole text when empty."""


class AwsSecretCredentials(Kind, frozen=True):
    """How to log in to AWS."""

    access_key: SecretValue
    """Access key id."""
    access_secret_key: SecretValue
    """Secret access key."""
    access_token: SecretValue | None = None
    """Session token."""


class AwsSecretManager(Kind, frozen=True):
    """Parameters from AWS Secrets Manager."""

    secrets: Annotated[tuple[AwsSecret, ...], msgspec.Meta(min_length=1)]
    """What to take from it."""
    credentials: AwsSecretCredentials | None = None
    """What to log in with."""
    pod_identity: PodIdentity | None = None
    """Whom to log in as instead."""
    region: str = ""
    """AWS region."""


class BoundServiceAccountToken(Kind, frozen=True):
    """One parameter from a token of a ServiceAccount."""

    parameter: str
    """The parameter it fills."""
    service_account_name: str
    """Whose token."""


class OAuth2(Kind, frozen=True):
    """Parameters for an OAuth 2 client."""

    client_id: str
    """Who asks."""
    token_url: str
    """Where tokens are asked for, http or https."""
    type: Annotated[
        Literal["clientCredentials"],
        msgspec.Meta(extra_json_schema={"default": "clientCredentials"}, extra={"required": True}),
    ] = "clientCredentials"
    """The flow."""
    client_secret: SecretValue | None = None
    """The client's secret."""
    scopes: tuple[str, ...] = ()
    """What is asked for."""
    token_url_params: dict[str, str] = {}
    """Further parameters of the question."""


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
    """Where the credentials come from."""
    status: TriggerAuthenticationStatus = TriggerAuthenticationStatus()
    """Who uses them."""
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
