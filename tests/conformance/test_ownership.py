"""Who owns what, and what goes with whom."""

import asyncio
from typing import Any

import pytest

from tests.conformance.client import Client, path
from tests.conformance.objects import config_map


def owned_by(owner: dict[str, Any], name: str, **more: Any) -> dict[str, Any]:
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": owner["metadata"]["name"], **more}
    reference.setdefault("uid", owner["metadata"]["uid"])
    return config_map(name, ownerReferences=[reference])


@pytest.fixture
async def owner(client: Client, namespace: str) -> dict[str, Any]:
    return (await client.create(path("configmaps", namespace), config_map("owner"))).ok()


async def test_dependents_go_with_their_owner(client: Client, namespace: str, owner: dict[str, Any]) -> None:
    where = path("configmaps", namespace)
    child = (await client.create(where, owned_by(owner, "child"))).ok()
    (await client.create(where, owned_by(child, "grandchild"))).ok()
    (await client.delete(f"{where}/owner")).ok()
    await client.gone(f"{where}/child")
    await client.gone(f"{where}/grandchild")


async def test_a_dependent_stays_while_one_owner_is_left(
    client: Client, namespace: str, owner: dict[str, Any]
) -> None:
    where = path("configmaps", namespace)
    other = (await client.create(where, config_map("other"))).ok()
    body = owned_by(owner, "child")
    body["metadata"]["ownerReferences"] += owned_by(other, "")["metadata"]["ownerReferences"]
    (await client.create(where, body)).ok()
    (await client.create(where, owned_by(owner, "only"))).ok()
    (await client.delete(f"{where}/owner")).ok()
    await client.gone(f"{where}/only")
    assert (await client.get(f"{where}/child")).status == 200
    (await client.delete(f"{where}/other")).ok()
    await client.gone(f"{where}/child")


async def test_orphans_stay_and_forget_their_owner(client: Client, namespace: str, owner: dict[str, Any]) -> None:
    where = path("configmaps", namespace)
    (await client.create(where, owned_by(owner, "child"))).ok()
    (await client.delete(f"{where}/owner", propagationPolicy="Orphan")).ok()
    await client.gone(f"{where}/owner")
    child = await client.until(f"{where}/child", lambda found: "ownerReferences" not in found["metadata"])
    assert child["data"] == {"a": "b"}


async def test_an_owner_waits_for_those_that_block_it(client: Client, namespace: str, owner: dict[str, Any]) -> None:
    where = path("configmaps", namespace)
    body = owned_by(owner, "child", blockOwnerDeletion=True)
    body["metadata"]["finalizers"] = ["example.com/wait"]
    (await client.create(where, body)).ok()
    # The collector learns of owners by its own watch.
    await asyncio.sleep(1)
    marked = (await client.delete(f"{where}/owner", propagationPolicy="Foreground")).ok()
    assert marked["metadata"]["finalizers"] == ["foregroundDeletion"]
    await client.until(f"{where}/child", lambda found: "deletionTimestamp" in found["metadata"])
    assert (await client.get(f"{where}/owner")).status == 200
    (await client.patch(f"{where}/child", {"metadata": {"finalizers": None}})).ok()
    await client.gone(f"{where}/owner")


async def test_whose_owner_never_was_goes_too(client: Client, namespace: str, owner: dict[str, Any]) -> None:
    where = path("configmaps", namespace)
    (await client.create(where, owned_by(owner, "child", uid="00000000-0000-0000-0000-000000000000"))).ok()
    await client.gone(f"{where}/child")


async def test_a_namespace_goes_with_all_that_is_in_it(client: Client, namespace: str) -> None:
    where = path("configmaps", namespace)
    (await client.create(where, config_map("held", finalizers=["example.com/wait"]))).ok()
    (await client.create(where, config_map("free"))).ok()
    marked = (await client.delete(path("namespaces", name=namespace))).ok()
    assert marked["status"]["phase"] == "Terminating"
    assert marked["spec"]["finalizers"] == ["kubernetes"]
    await client.gone(f"{where}/free")
    said = (await client.create(where, config_map("late"))).refused(403, "Forbidden")
    assert said["details"]["causes"][0]["reason"] == "NamespaceTerminating"
    assert (await client.get(path("namespaces", name=namespace))).status == 200
    (await client.patch(f"{where}/held", {"metadata": {"finalizers": None}})).ok()
    await client.gone(path("namespaces", name=namespace))
