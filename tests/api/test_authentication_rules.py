"""Which fields of an identity go together."""

import msgspec
import pytest

from scaler.api.authentication import ClusterTriggerAuthentication, TriggerAuthentication
from scaler.api.authentication_rules import problems


def made(spec: object, kind: type[TriggerAuthentication] = TriggerAuthentication) -> TriggerAuthentication:
    return msgspec.convert({"metadata": {"name": "a"}, "spec": spec}, kind)


@pytest.mark.parametrize(
    ("identity", "path"),
    [
        ({"provider": "azure-workload", "identityId": ""}, "identityId"),
        ({"provider": "azure-workload", "identityTenantId": ""}, "identityTenantId"),
        ({"provider": "azure-workload", "identityAuthorityHost": "https://a"}, "identityAuthorityHost"),
        ({"provider": "aws", "roleArn": "arn:aws:iam::1:role/r", "identityOwner": "workload"}, "roleArn"),
        ({"provider": "aws", "externalID": "x"}, "externalID"),
    ],
)
def test_fields_that_do_not_go_together_are_named(identity: dict[str, str], path: str) -> None:
    assert [problem.path for problem in problems(made({"podIdentity": identity}))] == [f"spec.podIdentity.{path}"]


@pytest.mark.parametrize(
    "identity",
    [
        {"provider": "azure-workload"},
        {"provider": "azure-workload", "identityId": "i", "identityTenantId": "t", "identityAuthorityHost": "h"},
        {"provider": "aws", "roleArn": "arn:aws:iam::1:role/r", "externalID": "x"},
        {"provider": "aws", "identityOwner": "workload"},
        {"provider": "none", "externalID": "x"},
    ],
)
def test_fields_that_go_together_are_fine(identity: dict[str, str]) -> None:
    assert problems(made({"podIdentity": identity})) == []


def test_a_token_url_is_a_url_and_a_client_has_an_id() -> None:
    wrong = made({"oauth2": {"clientId": "", "tokenUrl": "idp.example/token"}})
    assert [problem.path for problem in problems(wrong)] == ["spec.oauth2.clientId", "spec.oauth2.tokenUrl"]
    assert problems(made({"oauth2": {"clientId": "me", "tokenUrl": "https://idp.example/token"}})) == []


def test_a_file_belongs_to_the_whole_cluster() -> None:
    assert [problem.path for problem in problems(made({"filePath": "a.json"}))] == ["spec.filePath"]
    assert problems(made({"filePath": "a.json"}, ClusterTriggerAuthentication)) == []
