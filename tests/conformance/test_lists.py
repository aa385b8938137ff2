"""Lists: their order, their selectors, their portions."""

import pytest

from tests.conformance.client import Client, path
from tests.conformance.objects import config_map, pod


@pytest.fixture
async def labelled(client: Client, namespace: str) -> str:
    """Four ConfigMaps: l0 to l2 with n=0..2 and x=y, and one without labels."""
    where = path("configmaps", namespace)
    for number in (2, 0, 1):
        (await client.create(where, config_map(f"l{number}", labels={"n": str(number), "x": "y"}))).ok()
    (await client.create(where, config_map("plain"))).ok()
    return where


def names(listed: dict) -> list[str]:
    """Without what the control plane puts into every namespace."""
    return [item["metadata"]["name"] for item in listed["items"] if item["metadata"]["name"] != "kube-root-ca.crt"]


async def test_a_list_is_in_the_order_of_names(client: Client, labelled: str) -> None:
    listed = (await client.get(labelled)).ok()
    assert names(listed) == ["l0", "l1", "l2", "plain"]
    assert listed["kind"] == "ConfigMapList"
    assert listed["apiVersion"] == "v1"
    assert int(listed["metadata"]["resourceVersion"]) > 0


async def test_items_of_a_built_in_list_do_not_repeat_their_kind(client: Client, labelled: str) -> None:
    item = (await client.get(labelled, labelSelector="n=0")).ok()["items"][0]
    assert "kind" not in item
    assert "apiVersion" not in item


SELECTORS = {
    "x=y": ["l0", "l1", "l2"],
    "x==y,n=2": ["l2"],
    "n!=1": ["l0", "l2", "plain"],
    "n in (0, 1)": ["l0", "l1"],
    "n notin (0)": ["l1", "l2", "plain"],
    "n": ["l0", "l1", "l2"],
    "!n": ["plain"],
    "n>0": ["l1", "l2"],
    "n<1,x": ["l0"],
}


@pytest.mark.parametrize("selector", SELECTORS)
async def test_labels_select(client: Client, labelled: str, selector: str) -> None:
    assert names((await client.get(labelled, labelSelector=selector)).ok()) == SELECTORS[selector]


@pytest.mark.parametrize("selector", ["x in (y", "a b=c", "=x"])
async def test_a_label_selector_that_cannot_be_read_is_refused(client: Client, labelled: str, selector: str) -> None:
    (await client.get(labelled, labelSelector=selector)).refused(400, "BadRequest")


async def test_fields_select(client: Client, labelled: str) -> None:
    assert names((await client.get(labelled, fieldSelector="metadata.name=l1")).ok()) == ["l1"]
    assert names((await client.get(labelled, fieldSelector="metadata.name!=l1", labelSelector="x")).ok()) == [
        "l0",
        "l2",
    ]


@pytest.mark.parametrize(
    ("plural", "selector"), [("configmaps", "data.a=b"), ("pods", "spec.image=x"), ("configmaps", "x")]
)
async def test_a_field_that_cannot_be_selected_is_refused(
    client: Client, namespace: str, plural: str, selector: str
) -> None:
    (await client.get(path(plural, namespace), fieldSelector=selector)).refused(400, "BadRequest")


async def test_pods_are_selected_by_phase_and_node(client: Client, namespace: str) -> None:
    where = path("pods", namespace)
    (await client.create(where, pod("waits", {"fake-kubelet/stays-pending": "true"}))).ok()
    (await client.create(where, pod("runs"))).ok()
    runs = await client.until(f"{where}/runs", lambda one: one["status"]["phase"] == "Running")
    assert names((await client.get(where, fieldSelector="status.phase=Running")).ok()) == ["runs"]
    assert names((await client.get(where, fieldSelector="status.phase!=Running")).ok()) == ["waits"]
    node = runs["spec"]["nodeName"]
    selector = f"spec.nodeName={node},metadata.name=runs"
    assert names((await client.get(where, fieldSelector=selector)).ok()) == ["runs"]
    assert names((await client.get(where, fieldSelector="spec.nodeName=elsewhere")).ok()) == []


async def test_a_list_comes_in_portions(client: Client, labelled: str) -> None:
    first = (await client.get(labelled, limit="2", labelSelector="x=y")).ok()
    assert names(first) == ["l0", "l1"]
    assert "remainingItemCount" not in first["metadata"]
    # What happens between portions is not seen: all are of one moment.
    (await client.delete(f"{labelled}/l2")).ok()
    token = first["metadata"]["continue"]
    rest = (await client.get(labelled, limit="2", labelSelector="x=y", **{"continue": token})).ok()
    assert names(rest) == ["l2"]
    assert not rest["metadata"].get("continue")


async def test_an_unselected_portion_tells_how_many_are_left(client: Client, labelled: str) -> None:
    first = (await client.get(labelled, limit="1")).ok()
    everything = (await client.get(labelled)).ok()
    assert first["metadata"]["remainingItemCount"] == len(everything["items"]) - 1


async def test_a_token_that_is_none_is_refused(client: Client, labelled: str) -> None:
    (await client.get(labelled, **{"continue": "nonsense"})).refused(400, "BadRequest")


async def test_the_future_cannot_be_listed(client: Client, labelled: str) -> None:
    said = (await client.get(labelled, resourceVersion="99999999999")).refused(504, "Timeout")
    assert said["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"
    (await client.get(labelled, resourceVersion="abc")).refused(400, "BadRequest")


async def test_all_namespaces_are_listed_at_once(client: Client, labelled: str, namespace: str) -> None:
    listed = (await client.get("/api/v1/configmaps", labelSelector="x=y")).ok()
    assert (namespace, "l0") in {
        (item["metadata"]["namespace"], item["metadata"]["name"]) for item in listed["items"]
    }
