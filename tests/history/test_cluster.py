"""The past of a cluster, from a real Prometheus that watched it."""

import math

import numpy as np
import pytest
from aiohttp import web

from scaler.errors import Unreadable
from scaler.history import cluster as room
from scaler.history import pieces, usage
from scaler.history.cluster import ClusterHistory
from scaler.history.owners import Workload
from scaler.history.prometheus import Access, Prometheus
from scaler.history.queries import Container, Names
from scaler.history.usage import ContainerUsage
from tests.history.recording import END
from tests.servers.prometheus import Prometheus as Server
from tests.triggers.endpoint import Endpoint

HOURS = 3600.0
MIB = 2.0**20
WEB = Workload("shop", "Deployment", "web")


def history(client: Prometheus, names: Names | None = None, **more: float) -> ClusterHistory:
    return ClusterHistory(client, names, **({"length": 6 * HOURS, "end": END} | more))


async def everything(past: ClusterHistory, *namespaces: str) -> dict[Workload, list[ContainerUsage]]:
    found: dict[Workload, list[ContainerUsage]] = {}
    async for workload, one in past.everything(namespaces):
        found.setdefault(workload, []).append(one)
    return found


async def test_every_container_is_found_with_its_workload_gone_pods_too(watched: Server) -> None:
    async with Prometheus(Access(watched.url)) as client:
        found = await everything(history(client))
    assert {workload: [one.container.pod for one in usages] for workload, usages in found.items()} == {
        WEB: [f"web-5d9c7b6f4-{tail * 5}" for tail in "bbccdd"],
        Workload("shop", "StatefulSet", "db"): ["db-0"],
        Workload("tools", "Pod", "shell"): ["shell"],
    }


async def test_the_usage_is_what_was_used(watched: Server) -> None:
    async with Prometheus(Access(watched.url)) as client:
        usages = await history(client, step=60).of(WEB)
    app = next(one for one in usages if one.container == Container("shop", "web-5d9c7b6f4-bbbbb", "app"))
    begin = END - 6 * HOURS
    since = app.cpu.times - begin
    # a rate over four scrapes is the mean of the last minutes; in the first of a pod the server knows less
    np.testing.assert_allclose(app.cpu.values[3:], (0.2 + 0.1 * np.sin((since - 60) / 3600))[3:], atol=0.001)
    assert app.cpu.step == 60
    assert set(app.memory.values.tolist()) == {300 * MIB}
    assert len(app.memory) == 361
    gone = next(one for one in usages if one.container.pod.endswith("ddddd"))
    assert gone.last == pytest.approx(begin + 2 * HOURS, abs=300)
    assert app.last == END


async def test_a_long_step_keeps_the_peaks_of_memory_and_the_means_of_cpu(watched: Server) -> None:
    async with Prometheus(Access(watched.url)) as client:
        (db,) = await history(client, step=3600).of(Workload("shop", "StatefulSet", "db"))
    assert db.memory.values.tolist() == [(100 + at * 12) * MIB for at in range(7)]
    np.testing.assert_allclose(db.cpu.values, 0.5, rtol=1e-6)


async def test_pieces_come_together_as_the_whole(watched: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Prometheus(Access(watched.url)) as client:
        whole = await everything(history(client, step=60))
        monkeypatch.setattr(pieces, "MOST_SAMPLES", 100)
        monkeypatch.setattr(room, "BATCH", 2)
        told: list[tuple[int, int]] = []
        past = history(client, step=60)
        parts = [one async for _, one in past.read(await past.workloads(), lambda *now: told.append(now))]
    same = {one.container: one for usages in whole.values() for one in usages}
    assert {one.container for one in parts} == set(same)
    for one in parts:
        np.testing.assert_array_equal(one.cpu.values, same[one.container].cpu.values)
        np.testing.assert_array_equal(one.memory.times, same[one.container].memory.times)
    assert told[0][0] == 0
    assert told[-1] == (told[-1][1],) * 2
    assert told[-1][0] > 30


async def test_what_the_server_cannot_answer_at_once_is_asked_in_halves(watched: Server) -> None:
    """The server's own limit of samples stands in between, as a proxy that forwards the small questions only."""
    refused = 0

    async def handler(request: web.Request) -> web.Response:
        nonlocal refused
        form = await request.post()
        if request.path.endswith("query_range"):
            points = (float(str(form["end"])) - float(str(form["start"]))) / float(str(form["step"]))
            if points > 50:
                refused += 1
                body = {"status": "error", "errorType": "execution", "error": "would load too many samples"}
                return web.json_response(body, status=422)
        async with proxy.post(f"{watched.url}{request.path}", data=form) as answer:
            return web.Response(body=await answer.read(), status=answer.status, content_type="application/json")

    import aiohttp

    async with aiohttp.ClientSession() as proxy, Endpoint() as endpoint, Prometheus(Access(endpoint.url)) as client:
        endpoint.handler = handler
        (found,) = await history(client, step=60).of(Workload("tools", "Pod", "shell"))
    assert refused == 14
    assert len(found.memory) == 361


async def test_a_question_that_is_too_large_at_any_size_is_told(watched: Server) -> None:
    async def handler(request: web.Request) -> web.Response:
        if request.path.endswith("query_range"):
            return web.json_response({"status": "error", "error": "too many samples"}, status=422)
        async with proxy.post(f"{watched.url}{request.path}", data=await request.post()) as answer:
            return web.Response(body=await answer.read(), content_type="application/json")

    import aiohttp

    async with aiohttp.ClientSession() as proxy, Endpoint() as endpoint, Prometheus(Access(endpoint.url)) as client:
        endpoint.handler = handler
        with pytest.raises(Unreadable, match="answered 422: too many samples"):
            await history(client, step=3600).of(Workload("tools", "Pod", "shell"))


async def test_labels_of_another_time_are_named_and_taken(barely_watched: Server) -> None:
    async with Prometheus(Access(barely_watched.url)) as client:
        with pytest.raises(Unreadable) as refused:
            await everything(history(client))
        assert str(refused.value).endswith(
            "has container_memory_working_set_bytes without the label pod and container; its labels are "
            "id, name, namespace, pod_name. Say which are meant: --container-namespace-label, --container-pod-name-label, --container-name-label"
        )
        found = await everything(history(client, Names(pod="pod_name", container="name")))
    assert list(found) == [
        Workload("shop", "Deployment", "web"),
        Workload("shop", "StatefulSet", "db"),
        Workload("tools", "Pod", "shell"),
    ]
    assert all(not math.isnan(one.cpu.values[0]) for usages in found.values() for one in usages)


async def test_the_pace_of_scrapes_is_seen(watched: Server, barely_watched: Server) -> None:
    async with Prometheus(Access(watched.url)) as client:
        assert await usage.scrape_interval(client, Names(), END) == pytest.approx(60, rel=0.15)
        assert await usage.scrape_interval(client, Names(), END + 1e6) == 30
    async with Prometheus(Access(barely_watched.url)) as client:
        assert await usage.scrape_interval(client, Names(pod="pod_name", container="name"), END) == pytest.approx(
            120, rel=0.25
        )


async def test_owners_are_found_where_labels_were_not_honoured(dishonoured: Server) -> None:
    async with Prometheus(Access(dishonoured.url)) as client:
        found = await everything(history(client), "shop")
    assert list(found) == [WEB, Workload("shop", "StatefulSet", "db")]


async def test_only_the_namespaces_that_were_asked_for_are_read(watched: Server) -> None:
    async with Prometheus(Access(watched.url)) as client:
        assert {workload.namespace for workload in await everything(history(client), "tools")} == {"tools"}
        assert len(await everything(history(client), "tools", "shop")) == 3


@pytest.mark.parametrize(
    ("names", "namespaces", "words"),
    [
        (Names(), ("nowhere",), r"has no containers in namespace nowhere in the last 0.25 days; it knows the namespaces shop, tools"),
        (Names(job="cadvisor"), (), r"has no containers of job cadvisor in the last 0.25 days"),
        (Names(matchers='cluster="prod"'), (), r'has container_memory_working_set_bytes, but none that matches cluster="prod"'),
        (
            Names(memory="container_memory_rss"),
            (),
            r"has no container_memory_rss: what it has of containers is container_cpu_usage_seconds_total, .*Is the kub",
        ),
    ],
)  # fmt: skip
async def test_where_nothing_is_found_it_is_said_what_there_is(
    watched: Server, names: Names, namespaces: tuple[str, ...], words: str
) -> None:
    async with Prometheus(Access(watched.url)) as client:
        with pytest.raises(Unreadable, match=words):
            await everything(history(client, names), *namespaces)


async def test_a_server_without_a_single_container_says_so(prometheus_server: Server) -> None:
    async with Prometheus(Access(prometheus_server.url)) as client:
        with pytest.raises(
            Unreadable, match=r"has no container_memory_working_set_bytes: it has \d+ metrics, none of containers"
        ):
            await everything(ClusterHistory(client))


async def test_a_workload_that_nobody_knows_has_no_history(watched: Server) -> None:
    async with Prometheus(Access(watched.url)) as client:
        assert await history(client).of(Workload("shop", "Deployment", "api")) == []


def test_the_moment_that_is_read_up_to_is_the_same_for_all_parts() -> None:
    ticks = iter([1000.0, 2000.0])
    past = ClusterHistory(Prometheus(Access("http://x")), now=lambda: next(ticks))
    assert [past.end, past.end] == [1000.0, 1000.0]
