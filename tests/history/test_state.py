"""What containers ask for and what befell them, from a real Prometheus."""

import pytest

from scaler.history.prometheus import Access, Prometheus
from scaler.history.queries import Container, Names
from scaler.history.state import KILL_STEP, NO_STATE, State, state
from tests.history.recording import END
from tests.servers.prometheus import Prometheus as Server

HOURS = 3600.0
MIB = 2.0**20
APP = Container("shop", "web-5d9c7b6f4-bbbbb", "app")
DB = Container("shop", "db-0", "db")


async def told(server: Server, names: Names | None = None) -> State:
    async with Prometheus(Access(server.url)) as client:
        return await state(client, names or Names(), END, 6 * HOURS)


@pytest.fixture(params=["watched", "dishonoured"])
def server(request: pytest.FixtureRequest) -> Server:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Server)
    return found


async def test_requests_limits_and_replicas_are_those_of_now(server: Server) -> None:
    found = await told(server)
    assert found.requests[APP] == {"cpu": 1.0, "memory": 512 * MIB}
    assert found.limits[APP] == {"memory": 1024 * MIB}
    assert found.replicas == {("shop", "web"): 2}
    assert Container("shop", "web-5d9c7b6f4-ddddd", "app") not in found.requests
    assert found.notes == ()


async def test_kills_for_want_of_memory_are_known_to_five_minutes(server: Server) -> None:
    kills = (await told(server)).kills
    assert list(kills) == [DB]
    begin = END - 6 * HOURS
    assert [at - begin for at in kills[DB]] == [
        pytest.approx(1 * HOURS, abs=2 * KILL_STEP),
        pytest.approx(4 * HOURS, abs=2 * KILL_STEP),
    ]


async def test_without_kube_state_metrics_it_is_said_what_is_not_known(barely_watched: Server) -> None:
    found = await told(barely_watched, Names(pod="pod_name", container="name"))
    assert found == State(notes=(NO_STATE,))
