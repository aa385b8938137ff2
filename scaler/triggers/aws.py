"""Who calls AWS: the parameters that every AWS type shares, and the caller they come to.

Source: upstream's rules. With podIdentity aws: the role of the authentication (or of the workload's ServiceAccount),
else the operator's own identity. Without: by the older key identityOwner, ``operator`` or ``pod`` (the default), and
for ``pod`` a role, or static keys, of the authentication or of the container's environment.
"""

from collections.abc import Iterable
from typing import Annotated

import msgspec

from scaler.api.authentication import PodIdentity
from scaler.errors import Problem
from scaler.triggers.parameters import Field, Parameters, Secret


class AwsCaller(msgspec.Struct, frozen=True):
    """A caller as a value: equal ones share clients and credentials. No keys and no role: the operator itself."""

    region: str
    access_key_id: str = ""
    secret_access_key: str = ""
    session_token: str = ""
    role_arn: str = ""
    external_id: str = ""


class AwsAuthorization(Parameters, frozen=True, kw_only=True):
    """Who calls, as far as parameters say."""

    identity_owner: str = ""
    """Without podIdentity: ``pod`` (also when empty) wants a role or keys, ``operator`` is the operator itself."""
    aws_role_arn: Annotated[str, Field(sources="a")] = ""
    """The role to assume."""
    aws_external_id: Annotated[str, Field(sources="a")] = ""
    """The external id that the role asks for."""
    aws_access_key_id: Annotated[str, Field("awsAccessKeyID", "ame", aliases=("awsAccessKeyId",))] = ""
    """Id of a static key."""
    aws_secret_access_key: Annotated[Secret, Field(sources="ae")] = ""
    """The static key itself."""
    aws_session_token: Annotated[Secret, Field(sources="a")] = ""
    """Session token of a temporary key."""

    def caller(self, region: str, identity: PodIdentity | None) -> AwsCaller:
        """Who that is."""
        role = AwsCaller(region, role_arn=self.aws_role_arn, external_id=self.aws_external_id)
        if self.aws_role_arn or self._by_identity(identity) or not self._pod_owns:
            return role if self.aws_role_arn else AwsCaller(region)
        return AwsCaller(region, self.aws_access_key_id, self.aws_secret_access_key, self.aws_session_token)

    def refusals(self, identity: PodIdentity | None) -> Iterable[Problem]:
        """What is missing to be somebody."""
        if self.aws_role_arn or self._by_identity(identity) or not self._pod_owns:
            return
        if not self.aws_access_key_id:
            yield Problem(
                "authentication.awsAccessKeyID",
                "is required: give it with awsSecretAccessKey, or awsRoleArn, or podIdentity with provider aws, "
                "or identityOwner: operator in the metadata",
            )
        if not self.aws_secret_access_key:
            yield Problem("authentication.awsSecretAccessKey", "is required beside awsAccessKeyID")

    @property
    def _pod_owns(self) -> bool:
        return self.identity_owner in {"", "pod"}

    @staticmethod
    def _by_identity(identity: PodIdentity | None) -> bool:
        return identity is not None and identity.provider == "aws"
