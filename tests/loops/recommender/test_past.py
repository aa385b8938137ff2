"""The past of objects, from a real Prometheus that watched their pods."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import msgspec
import numpy as np
import pytest

from scaler.api.selector import parse_selector
from scaler.api.verticalpodautoscaler import VerticalPodAutoscaler
from scaler.history.cluster import ClusterHistory
from scaler.history.prometheus import Access
from scaler.history.prometheus import Prometheus as Client
from scaler.loops.recommender.objects import Tracked
from scaler.loops.recommender.past import Past
from scaler.vertical.recommending import judge, plan, recommendation
from scaler.vertical.roster import Crew, Roster
from scaler.vertical.terms import Defaults, Terms
from scaler.vertical.usage import Aggregates
from tests.history.recording import END, Pod, Recording, flat
from tests.kube.conftest import eventually
from tests.processes import free_port
from tests.servers.fixtures import lend
from tests.servers.prometheus import Prometheus

MIB = 2.0**20
HOUR = 3600.0


@pytest.fixture(scope="module")
def watched() -> Iterator[Prometheus]:
    """web: a pod, and one that is gone."""
    use = {"app": (flat(0.1), flat(300 * MIB)), "proxy": (flat(0.01), flat(20 * MIB))}
    owner = ("ReplicaSet", "web-5d9c7b6f4")
    pods = [
        Pod("shop", "web-5d9c7b6f4-bbbbb", use, owner),
        Pod("shop", "web-5d9c7b6f4-ddddd", use, owner, end=2 * HOUR),
    ]
    above = [("shop", "ReplicaSet", "web-5d9c7b6f4", "Deployment", "web")]
    with lend(lambda: Prometheus(recorded=Recording(pods, owners=above).text())) as server:
        yield server


def tracked(roster: Roster, name: str = "web") -> Tracked:
    ref = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    vpa = msgspec.convert(
        {"metadata": {"name": name, "namespace": "shop"}, "spec": {"targetRef": ref}}, VerticalPodAutoscaler
    )
    found = Tracked(vpa)
    found.subject = roster.put_subject(("shop", name), parse_selector(f"app={name}"), Terms())
    return found


@contextlib.asynccontextmanager
async def reading(url: str, roster: Roster) -> AsyncIterator[Past]:
    async with Client(Access(url)) as client:
        past = Past(roster, lambda: ClusterHistory(client, length=6 * HOUR, step=60, end=END), lambda: END)
        task = asyncio.create_task(past.run())
        yield past
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def count(roster: Roster, one: Tracked, container: str = "app") -> int:
    assert one.subject is not None
    return int(roster.aggregates.count[one.subject.initial[container]])


async def test_an_object_has_the_usage_of_all_its_pods_also_of_those_that_are_gone(watched: Prometheus) -> None:
    roster = Roster(Aggregates())
    web = tracked(roster)
    async with reading(watched.url, roster) as past:
        past.want([web])
        assert web.fetching
        await eventually(lambda: not web.fetching, 30)
    assert count(roster, web) == pytest.approx(8 * 60, abs=5)
    found = plan(roster)
    judged = judge(roster.aggregates, found, Defaults(), END)
    target = recommendation(found, judged, 0)["app"].target
    assert (target["cpu"], target["memory"]) == (126, 380258472)
    assert roster.containers.rows.used == 0


async def test_what_is_learned_since_is_not_counted_twice(watched: Prometheus) -> None:
    roster = Roster(Aggregates())
    web = tracked(roster)
    roster.put_pod(("shop", "web-5d9c7b6f4-bbbbb"), Crew({"app": "web"}, ("app",)), END)
    row = roster.container(("shop", "web-5d9c7b6f4-bbbbb"), "app", END)
    roster.containers.add_cpu(np.array([row]), np.array([END - HOUR]), np.array([100]))
    async with reading(watched.url, roster) as past:
        past.want([web])
        await eventually(lambda: not web.fetching, 30)
    assert count(roster, web) == pytest.approx(7 * 60, abs=5)


async def test_a_container_that_is_not_sized_gets_no_past(watched: Prometheus) -> None:
    """proxy is a sidecar, and nobody asked for those."""
    roster = Roster(Aggregates())
    web = tracked(roster)
    crew = Crew({"app": "web"}, ("app",), sidecars=("proxy",))
    roster.put_pod(("shop", "web-5d9c7b6f4-bbbbb"), crew, END)
    async with reading(watched.url, roster) as past:
        past.want([web])
        await eventually(lambda: not web.fetching, 30)
    assert web.subject is not None
    assert list(web.subject.initial) == ["app"]


async def test_a_workload_without_a_past_and_an_object_that_went_hold_nothing_up(watched: Prometheus) -> None:
    roster = Roster(Aggregates())
    new, gone, web = tracked(roster, "new"), tracked(roster, "gone"), tracked(roster)
    async with reading(watched.url, roster) as past:
        past.want([new, gone, web])
        roster.drop_subject(("shop", "gone"))
        await eventually(lambda: not (new.fetching or gone.fetching or web.fetching), 30)
    assert new.subject is not None
    assert new.subject.initial == {}
    assert count(roster, web) > 0


async def test_a_server_that_is_not_there_is_told_and_lets_the_object_go_on(caplog: pytest.LogCaptureFixture) -> None:
    roster = Roster(Aggregates())
    web = tracked(roster)
    async with reading(f"http://127.0.0.1:{free_port()}", roster) as past:
        past.want([web])
        await eventually(lambda: not web.fetching, 30)
    assert "the past cannot be read" in caplog.text
