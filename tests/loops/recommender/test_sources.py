"""Usage from a real Prometheus that watches the pods."""

from collections.abc import Iterator

import pytest

from scaler.clock import from_rfc3339
from scaler.errors import Unreadable
from scaler.history.prometheus import Access
from scaler.history.prometheus import Prometheus as Client
from scaler.history.queries import Names
from scaler.loops.recommender.sources import PrometheusUsage
from scaler.vertical.roster import Crew, Roster
from scaler.vertical.samples import PodUsage, gather
from scaler.vertical.usage import Aggregates
from tests.history.recording import END, HOUR, Pod, Recording, flat
from tests.processes import free_port
from tests.servers.fixtures import lend
from tests.servers.prometheus import Prometheus

MIB = 2.0**20


def peak(elapsed: float) -> float:
    """400 MiB for a moment, one minute before the end."""
    return (400 if HOUR - 70 < elapsed < HOUR - 50 else 300) * MIB


@pytest.fixture(scope="module")
def watched() -> Iterator[Prometheus]:
    pods = [
        Pod("shop", "web-1", {"app": (flat(0.25), peak), "proxy": (flat(0.01), flat(20 * MIB))}),
        Pod("shop", "gone-1", {"app": (flat(3.0), flat(900 * MIB))}, end=HOUR / 2),
        Pod("bank", "web-1", {"app": (flat(1.5), flat(50 * MIB))}),
    ]
    with lend(lambda: Prometheus(recorded=Recording(pods, hours=1, scrape=15, state=False).text())) as server:
        yield server


async def read(url: str, *namespaces: str) -> list[PodUsage]:
    async with Client(Access(url)) as client:
        return await PrometheusUsage(client, Names(), namespaces, 60, lambda: END).read()


async def test_what_is_seen_now_becomes_samples(watched: Prometheus) -> None:
    """The peak of memory between two readings counts, and a pod that is gone has no usage."""
    roster = Roster(Aggregates())
    for namespace, containers in (("shop", ("app", "proxy")), ("bank", ("app",))):
        roster.put_pod((namespace, "web-1"), Crew({"app": "web"}, containers), END)
    found = await read(watched.url)
    assert {(pod.metadata.namespace, pod.metadata.name) for pod in found} == {("shop", "web-1"), ("bank", "web-1")}
    assert {from_rfc3339(pod.timestamp) for pod in found} == {END}
    batch = gather(found, roster, END)
    rows = {row: at for at, row in enumerate(batch.rows.tolist())}
    for namespace, container, cpu, memory in (
        ("shop", "app", 250, 400),
        ("shop", "proxy", 10, 20),
        ("bank", "app", 1500, 50),
    ):
        row = roster.container((namespace, "web-1"), container, END)
        assert row is not None
        at = rows[row]
        assert batch.millicores[at] == pytest.approx(cpu, abs=1)
        assert batch.sizes[at] == memory * MIB
    assert not batch.refused


async def test_only_namespaces_that_are_served_are_read(watched: Prometheus) -> None:
    assert [pod.metadata.namespace for pod in await read(watched.url, "bank")] == ["bank"]


async def test_one_that_does_not_answer_is_no_usage_of_zero() -> None:
    with pytest.raises(Unreadable):
        await read(f"http://127.0.0.1:{free_port()}")
