"""Portions of lists that are asked for too late."""

import pytest

from scaler.sim.apiserver.lists import KEPT_VIEWS, Lists
from scaler.sim.apiserver.refusals import Refusal
from scaler.sim.apiserver.registry import Served
from scaler.sim.apiserver.server import ApiServer
from scaler.sim.apiserver.watches import Selection
from scaler.sim.clocks import ManualClock


@pytest.fixture
async def lists() -> Lists:
    server = ApiServer(ManualClock())
    await server.registry.create(server.registry.kind("namespaces"), "", {"metadata": {"name": "ns"}})
    for number in range(3):
        await server.registry.create(configs(server), "ns", {"metadata": {"name": f"c{number}"}})
    return Lists(server.registry)


def configs(server: ApiServer) -> Served:
    return server.registry.kind("configmaps")


def page(lists: Lists, **query: str) -> tuple[list[str], str]:
    found = lists.page(lists.registry.kind("configmaps"), Selection("ns"), query)
    return [stored.object["metadata"]["name"] for stored in found.items], found.meta.get("continue", "")


async def test_portions_follow_each_other_to_the_end(lists: Lists) -> None:
    names, token = page(lists, limit="2")
    assert names == ["c0", "c1"]
    assert page(lists, limit="2", **{"continue": token}) == (["c2"], "")


async def test_a_view_that_nobody_wanted_for_long_is_gone(lists: Lists) -> None:
    _, token = page(lists, limit="1")
    for _ in range(KEPT_VIEWS):
        page(lists, limit="1")
    with pytest.raises(Refusal) as refused:
        page(lists, limit="1", **{"continue": token})
    assert refused.value.code == 410
    assert refused.value.status["reason"] == "Expired"
