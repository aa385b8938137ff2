"""A Prometheus that has watched a small cluster for a while."""

import math
from collections.abc import Iterator

import pytest

from tests.history.recording import Pod, Recording, flat
from tests.servers.fixtures import lend
from tests.servers.prometheus import Prometheus

MIB = 2.0**20


def shop(**changes: object) -> Recording:
    """web: two pods and one that is gone; db: one, killed twice; a bare pod in another namespace."""

    def wave(at: float) -> float:
        return 0.2 + 0.1 * math.sin(at / 3600)

    web = {"app": (wave, flat(300 * MIB)), "sidecar": (flat(0.01), flat(20 * MIB))}
    asked = {"app": {"cpu": 1.0, "memory": 512 * MIB}, "sidecar": {"cpu": 0.1}}
    capped = {"app": {"memory": 1024 * MIB}}
    owner = ("ReplicaSet", "web-5d9c7b6f4")
    pods = [
        Pod("shop", "web-5d9c7b6f4-bbbbb", web, owner, asked, capped),
        Pod("shop", "web-5d9c7b6f4-ccccc", web, owner, asked, capped),
        Pod("shop", "web-5d9c7b6f4-ddddd", web, owner, asked, end=2 * 3600),
        Pod(
            "shop",
            "db-0",
            {"db": (flat(0.5), lambda at: (100 + at / 300) * MIB)},
            ("StatefulSet", "db"),
            {"db": {"cpu": 0.25, "memory": 128 * MIB}},
            kills={"db": (3600.0, 4 * 3600.0)},
        ),
        Pod("tools", "shell", {"sh": (flat(0.001), flat(5 * MIB))}),
    ]
    above = [("shop", "ReplicaSet", "web-5d9c7b6f4", "Deployment", "web")]
    return Recording(pods, owners=above, replicas={("shop", "web"): 2}, **changes)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def watched() -> Iterator[Prometheus]:
    """As it should be."""
    with lend(lambda: Prometheus(recorded=shop().text())) as server:
        yield server


@pytest.fixture(scope="session")
def barely_watched() -> Iterator[Prometheus]:
    """The kubelet only, every two minutes, with labels of another time."""
    recording = shop(state=False, scrape=120.0, rename={"pod": "pod_name", "container": "name"})
    with lend(lambda: Prometheus(recorded=recording.text())) as server:
        yield server


@pytest.fixture(scope="session")
def dishonoured() -> Iterator[Prometheus]:
    """kube-state-metrics' labels were not honoured."""
    with lend(lambda: Prometheus(recorded=shop(honour=False).text())) as server:
        yield server
