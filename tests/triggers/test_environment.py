"""The environment of the target's container."""

from typing import Any

import pytest

from scaler.errors import ApiError
from scaler.triggers.environment import container_environment, expand
from scaler.triggers.lookup import Access, Reader
from tests.triggers.world import Books


def spec(*env: dict[str, Any], env_from: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"containers": [{"name": "app", "env": list(env), "envFrom": env_from or []}, {"name": "side", "env": []}]}


async def environment(
    pod_spec: dict[str, Any], books: Books, container: str = "", access: Access | None = None
) -> tuple[dict[str, str], list[str]]:
    reader = Reader(books, access or Access())
    return await container_environment(pod_spec, container, "shop", reader), reader.notes


class TestPlainValues:
    async def test_are_read_with_references_to_what_stands_before(self) -> None:
        env = spec(
            {"name": "HOST", "value": "db"},
            {"name": "URL", "value": "http://$(HOST):$(PORT)/$$(HOST)/$x"},
            {"name": "PORT", "value": "80"},
            {"name": "EMPTY"},
        )
        values, notes = await environment(env, Books())
        assert values == {"HOST": "db", "URL": "http://db:$(PORT)/$(HOST)/$x", "PORT": "80", "EMPTY": ""}
        assert notes == []

    async def test_are_those_of_the_named_container(self) -> None:
        pod = spec({"name": "A", "value": "1"})
        pod["containers"][1]["env"] = [{"name": "A", "value": "2"}]
        assert (await environment(pod, Books(), "side"))[0] == {"A": "2"}

    async def test_of_a_container_that_is_not_there_are_none_and_told(self) -> None:
        values, notes = await environment(spec(), Books(), "ghost")
        assert values == {}
        assert notes == ["the target has no container ghost", "its containers are app, side"]


class TestReferences:
    async def test_to_secrets_and_config_maps_are_read(self) -> None:
        books = Books()
        books.secrets["shop", "keys"] = {"token": b"t"}
        books.config_maps["shop", "conf"] = {"host": "h"}
        env = spec(
            {"name": "T", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "token"}}},
            {"name": "H", "valueFrom": {"configMapKeyRef": {"name": "conf", "key": "host"}}},
            {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        )
        assert await environment(env, books) == ({"T": "t", "H": "h"}, [])

    async def test_to_what_is_not_there_are_blank_and_told(self) -> None:
        books = Books()
        books.secrets["shop", "keys"] = {"token": b"t"}
        env = spec(
            {"name": "A", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "other"}}},
            {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "gone", "key": "x"}}},
        )
        values, notes = await environment(env, books)
        assert values == {"A": "", "B": ""}
        assert notes == ["secret keys in shop has no key other", "there is no configmap gone in shop"]

    async def test_that_are_optional_may_lead_nowhere(self) -> None:
        books = Books()
        books.secrets["shop", "keys"] = {"token": b"t"}
        env = spec(
            {"name": "A", "valueFrom": {"secretKeyRef": {"name": "gone", "key": "x", "optional": True}}},
            {"name": "B", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "x", "optional": True}}},
            env_from=[{"secretRef": {"name": "gone", "optional": True}}],
        )
        assert await environment(env, books) == ({}, [])

    async def test_to_whole_objects_get_their_prefix_and_are_overridden_by_env(self) -> None:
        books = Books()
        books.secrets["shop", "keys"] = {"A": b"secret", "B": b"secret"}
        books.config_maps["shop", "conf"] = {"A": "config", "C": "config"}
        env = spec(
            {"name": "C", "value": "$(P_B) here"},
            env_from=[{"configMapRef": {"name": "conf"}}, {"secretRef": {"name": "keys"}, "prefix": "P_"}],
        )
        values, _ = await environment(env, books)
        assert values == {"A": "config", "C": "secret here", "P_A": "secret", "P_B": "secret"}

    async def test_that_may_not_be_read_are_told_with_the_remedy(self) -> None:
        books = Books()
        books.forbidden.add("secret shop/keys")
        _, notes = await environment(spec(env_from=[{"secretRef": {"name": "keys"}}]), books)
        assert notes == ["secret keys in shop may not be read: let the operator's ServiceAccount get it"]

    async def test_are_not_read_where_secret_access_is_restricted(self) -> None:
        books = Books()
        books.secrets["shop", "keys"] = {"A": b"x"}
        access = Access(cluster_namespace="scaler", restrict_secret_access=True)
        values, notes = await environment(spec(env_from=[{"secretRef": {"name": "keys"}}]), books, access=access)
        assert values == {}
        assert "secret access is restricted" in notes[0]
        assert books.asked == []

    async def test_to_an_api_server_that_does_not_say_are_an_error(self) -> None:
        books = Books()
        books.away = True
        with pytest.raises(ApiError, match="503"):
            await environment(spec(env_from=[{"secretRef": {"name": "keys"}}]), books)


@pytest.mark.parametrize(
    ("text", "expanded"),
    [("$(A)", "1"), ("$$(A)", "$(A)"), ("$$$(A)", "$1"), ("$(B)", "$(B)"), ("$(A", "$(A"), ("$", "$"), ("a$$", "a$")],
)
def test_references_are_expanded_as_kubernetes_does(text: str, expanded: str) -> None:
    assert expand(text, {"A": "1"}) == expanded
