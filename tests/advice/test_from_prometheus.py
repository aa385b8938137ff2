"""A whole cluster's history from a real Prometheus, judged."""

from scaler.advice import from_prometheus
from scaler.advice.gathered import Gathered
from scaler.advice.judging import Policy, judge
from scaler.history.cluster import ClusterHistory
from scaler.history.prometheus import Access, Prometheus
from scaler.history.queries import Names
from scaler.history.state import NO_STATE
from scaler.vertical.usage import MemoryRules
from tests.history.recording import END
from tests.servers.prometheus import Prometheus as Server

HOUR = 3600.0
MIB = 2**20


async def gathered(server: Server, names: Names | None = None, step: float = 60.0) -> Gathered:
    async with Prometheus(Access(server.url)) as client:
        past = ClusterHistory(client, names, length=6 * HOUR, end=END, step=step)
        return await from_prometheus.gather(
            past, (), half_lives=(86400.0, 86400.0), memory=MemoryRules(), progress=lambda _done, _total: None
        )


async def test_every_container_is_judged_with_what_it_asks_for(watched: Server) -> None:
    found = await gathered(watched)
    advice = {
        f"{one.workload}/{one.container}": one for one in judge(found.learning, found.facts, Policy(), found.step)
    }
    assert list(advice) == ["shop/web/app", "shop/web/sidecar", "shop/db/db", "tools/shell/sh"]
    app, db = advice["shop/web/app"], advice["shop/db/db"]
    assert (app.pods, app.replicas) == (3, 2)
    assert app.facts.requests == {"cpu": 1000, "memory": 512 * MIB}
    assert app.facts.limits == {"memory": 1024 * MIB}
    assert app.bounds.target["memory"] == 380258472
    assert app.limits == {"memory": 2 * 380258472}
    assert app.risks == ()
    assert db.risks == ("killed", "above-request")
    assert len(db.kills) == 2
    assert db.bounds.target["memory"] > 250 * MIB
    assert db.courses["cpu"].over == 1.0
    assert found.notes == ()


async def test_what_nobody_tells_is_not_made_up(barely_watched: Server) -> None:
    found = await gathered(barely_watched, Names(pod="pod_name", container="name"), step=300.0)
    advice = judge(found.learning, found.facts, Policy(), found.step)
    assert not any(one.facts.asked for one in advice)
    assert {one.risks for one in advice} == {()}
    assert found.notes[0] == NO_STATE
    assert "it was read at 5 min a value: cpu is the mean of each" in found.notes[1]
