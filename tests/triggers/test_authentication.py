"""From authentications to parameters and identities."""

from pathlib import Path
from typing import Any

import pytest

from scaler.errors import ApiError
from scaler.triggers.authentication import Resolved, Workload, resolve
from scaler.triggers.lookup import Access
from tests.triggers.world import Books, authentication

POD = {
    "serviceAccountName": "cart",
    "containers": [
        {"name": "app", "env": [{"name": "HOST", "value": "db"}]},
        {"name": "side", "env": [{"name": "HOST", "value": "other"}]},
    ],
}
ROLE = "arn:aws:iam::1:role/reader"


@pytest.fixture
def books() -> Books:
    books = Books()
    books.secrets["shop", "keys"] = {"id": b"me", "key": b"s\xc3\xa9cret"}
    books.config_maps["shop", "conf"] = {"host": "h", "id": "from the map"}
    books.service_accounts["shop", "cart"] = {"eks.amazonaws.com/role-arn": ROLE}
    return books


async def resolved(
    spec: dict[str, Any], books: Books, *, clustered: bool = False, access: Access | None = None, pod: Any = POD
) -> Resolved:
    made = authentication("login", spec, clustered=clustered)
    return await resolve(made, Workload("shop", pod), books, access or Access(cluster_namespace="scaler"))


def reference(parameter: str, name: str, key: str) -> dict[str, str]:
    return {"parameter": parameter, "name": name, "key": key}


class TestReferences:
    async def test_fill_parameters_from_secrets_and_config_maps(self, books: Books) -> None:
        spec = {
            "secretTargetRef": [reference("id", "keys", "id"), reference("key", "keys", "key")],
            "configMapTargetRef": [reference("host", "conf", "host")],
        }
        assert await resolved(spec, books) == Resolved({"id": "me", "key": "sécret", "host": "h"})

    async def test_to_secrets_win_over_config_maps_and_these_over_env(self, books: Books) -> None:
        spec = {
            "env": [{"parameter": "id", "name": "HOST"}, {"parameter": "host", "name": "HOST"}],
            "secretTargetRef": [reference("id", "keys", "id")],
            "configMapTargetRef": [reference("id", "conf", "id"), reference("host", "conf", "host")],
        }
        assert (await resolved(spec, books)).auth == {"id": "me", "host": "h"}

    async def test_to_what_is_not_there_give_blanks_and_notes(self, books: Books) -> None:
        spec = {"secretTargetRef": [reference("a", "gone", "x"), reference("b", "keys", "other")]}
        found = await resolved(spec, books)
        assert found.auth == {"a": "", "b": ""}
        assert found.notes == (
            "TriggerAuthentication login: there is no secret gone in shop",
            "TriggerAuthentication login: secret keys in shop has no key other",
        )
        assert found.problems == ()

    async def test_of_the_cluster_wide_kind_stand_in_the_operators_namespace(self, books: Books) -> None:
        books.secrets["scaler", "keys"] = {"id": b"everyone's"}
        spec = {"secretTargetRef": [reference("id", "keys", "id")]}
        assert (await resolved(spec, books, clustered=True)).auth == {"id": "everyone's"}

    async def test_stay_unread_where_secret_access_is_restricted(self, books: Books) -> None:
        access = Access(cluster_namespace="scaler", restrict_secret_access=True)
        spec = {"secretTargetRef": [reference("id", "keys", "id")]}
        found = await resolved(spec, books, access=access)
        assert found.auth == {"id": ""}
        assert "secret access is restricted" in found.notes[0]

    async def test_to_an_api_server_that_does_not_say_are_an_error(self, books: Books) -> None:
        books.away = True
        with pytest.raises(ApiError, match="503"):
            await resolved({"secretTargetRef": [reference("id", "keys", "id")]}, books)


class TestEnvironment:
    async def test_is_that_of_the_first_container_or_the_named_one(self, books: Books) -> None:
        spec = {
            "env": [
                {"parameter": "a", "name": "HOST"},
                {"parameter": "b", "name": "HOST", "containerName": "side"},
            ]
        }
        assert (await resolved(spec, books)).auth == {"a": "db", "b": "other"}

    async def test_without_the_variable_is_blank_and_told(self, books: Books) -> None:
        found = await resolved({"env": [{"parameter": "a", "name": "PORT"}]}, books)
        assert found.auth == {"a": ""}
        assert "has no variable PORT" in found.notes[0]

    async def test_of_a_target_without_pods_is_blank_and_told(self, books: Books) -> None:
        found = await resolved({"env": [{"parameter": "a", "name": "PORT"}]}, books, pod=None)
        assert found.auth == {"a": ""}
        assert "has no pod template" in found.notes[0]


class TestAwsIdentity:
    async def test_names_its_role(self, books: Books) -> None:
        found = await resolved({"podIdentity": {"provider": "aws", "roleArn": ROLE, "externalID": "7"}}, books)
        assert found.auth == {"awsRoleArn": ROLE, "awsExternalId": "7"}
        assert found.identity is not None
        assert found.identity.provider == "aws"

    @pytest.mark.parametrize("identity", [{"provider": "aws", "identityOwner": "workload"}, {"provider": "aws-eks"}])
    async def test_of_the_workload_is_on_its_service_account(self, books: Books, identity: dict[str, str]) -> None:
        assert (await resolved({"podIdentity": identity}, books)).auth == {"awsRoleArn": ROLE}

    async def test_of_a_workload_without_a_role_is_a_problem_with_the_place(self, books: Books) -> None:
        books.service_accounts["shop", "cart"] = {}
        found = await resolved({"podIdentity": {"provider": "aws", "identityOwner": "workload"}}, books)
        (problem,) = map(str, found.problems)
        assert problem == (
            "authenticationRef: TriggerAuthentication login, spec.podIdentity: serviceaccount cart in shop has no "
            "annotation eks.amazonaws.com/role-arn"
        )


class TestTokens:
    async def test_are_asked_for_the_objects_own_namespace(self, books: Books) -> None:
        spec = {"boundServiceAccountToken": [{"parameter": "token", "serviceAccountName": "cart"}]}
        found = await resolved(spec, books, access=Access(token_seconds=7200))
        assert found.auth == {"token": "token of cart for 7200 s"}

    async def test_of_an_account_that_is_not_there_are_blank_and_told(self, books: Books) -> None:
        spec = {"boundServiceAccountToken": [{"parameter": "token", "serviceAccountName": "ghost"}]}
        found = await resolved(spec, books)
        assert found.auth == {"token": ""}
        assert 'serviceaccounts "ghost" not found' in found.notes[0]


async def test_oauth2_becomes_the_parameters_of_http_types(books: Books) -> None:
    spec = {
        "oauth2": {
            "clientId": "me",
            "clientSecret": {"valueFrom": {"secretKeyRef": {"name": "keys", "key": "id"}}},
            "tokenUrl": "https://login/token",
            "scopes": ["a", "b"],
            "tokenUrlParams": {"audience": "x y"},
        }
    }
    assert (await resolved(spec, books)).auth == {
        "oauthTokenURI": "https://login/token",
        "clientID": "me",
        "clientSecret": "me",
        "scopes": "a,b",
        "endpointParams": "audience=x+y",
    }


class TestFiles:
    async def test_replace_everything_else(self, books: Books, tmp_path: Path) -> None:
        (tmp_path / "login.json").write_text('{"id": "from the file"}')
        spec = {"filePath": "login.json", "secretTargetRef": [reference("key", "keys", "key")]}
        found = await resolved(spec, books, clustered=True, access=Access(file_root=str(tmp_path)))
        assert found.auth == {"id": "from the file"}

    @pytest.mark.parametrize(
        ("path", "words"),
        [
            ("../a.json", "without .."),
            ("/etc/passwd", "must be relative"),
            ("gone.json", "is not a JSON object of texts that can be read"),
        ],
    )
    async def test_that_may_not_or_cannot_be_read_are_problems(
        self, books: Books, tmp_path: Path, path: str, words: str
    ) -> None:
        access = Access(file_root=str(tmp_path))
        (problem,) = (await resolved({"filePath": path}, books, clustered=True, access=access)).problems
        assert problem.path == "authenticationRef"
        assert words in problem.message

    async def test_need_the_cluster_wide_kind_and_the_operators_leave(self, books: Books, tmp_path: Path) -> None:
        access = Access(file_root=str(tmp_path))
        (kind,) = (await resolved({"filePath": "a.json"}, books, access=access)).problems
        (leave,) = (await resolved({"filePath": "a.json"}, books, clustered=True)).problems
        assert "is for a ClusterTriggerAuthentication only" in kind.message
        assert "needs the operator's --filepath-auth-root-path" in leave.message


@pytest.mark.parametrize(
    ("field", "spec"),
    [
        (
            "hashiCorpVault",
            {"address": "a", "authentication": "token", "secrets": [{"parameter": "p", "path": "x", "key": "k"}]},
        ),
        ("azureKeyVault", {"vaultUri": "a", "secrets": [{"parameter": "p", "name": "n"}]}),
        ("gcpSecretManager", {"secrets": [{"parameter": "p", "id": "i"}]}),
        ("awsSecretManager", {"secrets": [{"parameter": "p", "name": "n"}]}),
    ],
)
async def test_sources_that_are_not_read_here_are_named_and_not_passed_over(
    books: Books, field: str, spec: dict[str, Any]
) -> None:
    (problem,) = (await resolved({field: spec}, books)).problems
    assert f"spec.{field}: is not read by this build" in problem.message
