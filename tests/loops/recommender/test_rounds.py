"""What a round writes, and what it leaves alone."""

import msgspec
import pytest

from scaler.actions import DeleteCheckpoint, KeepCheckpoint, WriteRecommendation
from scaler.api.meta import ObjectMeta
from scaler.api.verticalpodautoscaler import (
    OOM_FLOOR,
    CheckpointSpec,
    CheckpointStatus,
    VerticalPodAutoscalerCheckpoint,
)
from scaler.clock import to_rfc3339
from scaler.loops.recommender.checkpoints import Found, floor_of
from scaler.loops.recommender.objects import Scope
from scaler.loops.recommender.rounds import Options
from scaler.vertical.conditions import Trouble
from scaler.vertical.roster import Floor
from tests.loops.recommender.scene import MIB, START, Scene, checkpoints, statuses


async def test_the_first_sample_gives_a_recommendation_with_its_conditions() -> None:
    async with Scene().running() as scene:
        scene.vpa()
        scene.pod()
        scene.uses()
        (status, checkpoint) = await scene.turn()
        assert isinstance(status, WriteRecommendation)
        assert scene.target() == {"cpu": "126m", "memory": "380258472"}
        assert [one.type for one in status.status.conditions] == ["RecommendationProvided"]
        assert status.status.observed_generation == 1
        assert isinstance(checkpoint, KeepCheckpoint)
        assert (checkpoint.name, checkpoint.spec) == ("web-app", CheckpointSpec("web", "app"))
        assert checkpoint.new
        scene.uses()
        assert [one.new for one in await scene.turn() if isinstance(one, KeepCheckpoint)] == [False]


async def test_only_what_changed_is_written() -> None:
    async with Scene().running() as scene:
        for name in ("web", "api"):
            scene.vpa(name)
            scene.pod(f"{name}-0", app=name)
            scene.uses(pod=f"{name}-0")
        assert sorted(statuses(await scene.turn())) == ["api", "web"]
        for _ in range(3):
            await scene.turn()
        scene.source.usage = {("shop", "web-0"): {"app": ("3", "307200Ki")}}
        assert statuses(await scene.turn()) == ["web"]
        scene.source.usage = {}
        assert statuses(await scene.turn()) == []


async def test_without_pods_and_without_usage_the_conditions_say_so() -> None:
    async with Scene().running() as scene:
        scene.vpa()
        await scene.turn()
        assert scene.condition("RecommendationProvided") == "False"
        assert scene.condition("NoPodsMatched") == "True"
        scene.pod()
        await scene.turn()
        assert scene.condition("NoPodsMatched") == ""
        assert statuses(await scene.turn()) == []


async def test_a_recommendation_stands_while_nothing_is_known() -> None:
    """A start without checkpoints and without metrics must not take away what others learned."""
    async with Scene().running() as scene:
        scene.vpa()
        scene.pod()
        scene.uses()
        await scene.turn()
        vpa = scene.objects.copy.get("shop", "web")
    async with Scene().running() as again:
        assert vpa is not None
        again.objects.copy.replace(vpa)
        again.pod()
        again.source.usage = None
        assert statuses(await again.turn()) == []
        assert again.target()["cpu"] == "126m"
        again.source.usage = {}
        again.uses("1", "307200Ki")
        await again.turn()
        assert again.target()["cpu"] == "1168m"


async def test_a_source_that_cannot_be_read_ends_no_round() -> None:
    async with Scene().running() as scene:
        scene.vpa()
        scene.pod()
        scene.source.usage = None
        await scene.turn()
        scene.source.usage = {}
        scene.uses()
        await scene.turn()
        assert scene.rounds.responses == {True: 1, False: 1}
        assert scene.target()["cpu"] == "126m"


async def test_trouble_with_a_target_comes_and_goes() -> None:
    scene = Scene()
    scene.finder.troubles["web"] = Trouble("TargetNotFound", "Deployment web does not exist")
    async with scene.running():
        scene.vpa()
        scene.pod()
        scene.uses()
        await scene.turn()
        assert scene.condition("ConfigUnsupported") == "True"
        assert scene.condition("TargetResolved") == "False"
        assert scene.target() == {}
        del scene.finder.troubles["web"]
        await scene.turn()
        assert scene.condition("ConfigUnsupported") == scene.condition("TargetResolved") == ""
        assert scene.target()["cpu"] == "126m"


async def test_objects_of_other_recommenders_and_in_ignored_namespaces_are_not_ours() -> None:
    async with Scene(scope=Scope("mine")).running() as scene:
        scene.vpa()
        scene.vpa("mine", recommenders=[{"name": "mine"}])
        assert statuses(await scene.turn()) == ["mine"]
    async with Scene(scope=Scope(ignored=frozenset({"shop"}))).running() as scene:
        scene.vpa()
        assert await scene.turn() == []


async def test_beside_a_live_vpa_only_what_was_taken_over_is_ours() -> None:
    async with Scene(scope=Scope(taken=frozenset())).running() as scene:
        scene.vpa()
        scene.pod()
        scene.uses()
        assert await scene.turn() == []
        scene.objects.confine(frozenset({"shop"}))
        assert statuses(await scene.turn()) == ["web"]
        scene.objects.confine(frozenset({"bank"}))
        scene.uses("4")
        assert await scene.turn() == []
        scene.objects.confine(None)
        assert statuses(await scene.turn()) == ["web"]


async def test_a_namesake_begins_anew() -> None:
    async with Scene().running() as scene:
        scene.vpa()
        scene.pod()
        scene.uses()
        await scene.turn()
        scene.vpa(uid="2")
        (written,) = [one for one in await scene.turn() if isinstance(one, WriteRecommendation)]
        assert written.ref.uid == "2"


async def test_definitions_that_drop_the_generation_are_no_reason_to_write_each_round() -> None:
    scene = Scene()
    scene.hands.prunes = True
    async with scene.running():
        scene.vpa()
        scene.pod()
        scene.uses()
        await scene.turn()
        for _ in range(2):
            await scene.turn()
        scene.source.usage = {}
        assert [statuses(await scene.turn()) for _ in range(3)] == [[], [], []]


async def test_the_memory_saver_follows_objects_that_come_later() -> None:
    async with Scene(saving=True).running() as scene:
        scene.pod()
        scene.pod("other", app="other")
        scene.uses()
        await scene.turn()
        assert scene.roster.pods == 0
        scene.vpa()
        await scene.turn()
        assert scene.roster.pods == 1
        assert scene.target()["cpu"] == "126m"


async def test_pods_that_wait_or_are_ignored_do_not_count() -> None:
    async with Scene().running() as scene:
        scene.pod(phase="Pending")
        scene.pod("there", namespace="ignored")
        assert scene.roster.pods == 0
        scene.pod(phase="Running")
        assert scene.roster.pods == 1
        scene.pods.copy.discard("shop", "web-0")
        assert scene.roster.pods == 0


KILLED = {
    "containerStatuses": [
        {
            "name": "app", "restartCount": 1,
            "state": {"terminated": {"reason": "OOMKilled", "finishedAt": to_rfc3339(START + 90)}},
        }
    ]
}  # fmt: skip
RUNNING = {"containerStatuses": [{"name": "app", "restartCount": 0, "state": {"running": {}}}]}


async def test_a_kill_for_memory_counts_once() -> None:
    async with Scene().running() as scene:
        scene.vpa()
        scene.pod(**RUNNING)
        scene.uses(memory="102400Ki")
        await scene.turn()
        scene.pod(**KILLED)
        scene.pod(**KILLED)
        await scene.turn()
        assert scene.roster.containers.oom_peak[0] == 1200 * MIB
        first = scene.target()["memory"]
        await scene.turn()
        assert scene.target()["memory"] == first
        assert int(first) > 1200 * MIB


async def test_an_eviction_for_memory_counts_as_a_kill() -> None:
    async with Scene().running() as scene:
        scene.vpa()
        scene.pod()
        scene.uses()
        await scene.turn()
        scene.evict("web-0", "2Gi")
        await scene.turn()
        assert scene.roster.containers.oom_peak[0] == pytest.approx(2 * 1024 * MIB * 1.2, abs=1)


async def test_a_floor_is_kept_with_the_checkpoint_and_grows_with_each_kill() -> None:
    async with Scene().running() as scene:
        scene.vpa(annotations={OOM_FLOOR: "8d"})
        scene.pod(**RUNNING)
        scene.uses(memory="102400Ki")
        await scene.turn()
        scene.pod(**KILLED)
        noted = [one.annotations for one in await scene.turn() if isinstance(one, KeepCheckpoint)]
        floor = floor_of(noted[0][OOM_FLOOR])
        assert floor == Floor(1200 * MIB, START + 60 + 8 * 86400)
        assert noted == [{OOM_FLOOR: f"{1200 * MIB},{to_rfc3339(START + 60 + 8 * 86400)}"}]
        scene.evict("web-0", "1300Mi")
        noted = [one.annotations for one in await scene.turn() if isinstance(one, KeepCheckpoint)]
        grown = floor_of(noted[0][OOM_FLOOR])
        assert grown is not None
        assert grown.size == pytest.approx(1300 * MIB * 1.2, abs=1)
        assert [one.annotations for one in await scene.turn() if isinstance(one, KeepCheckpoint)] == [{}]


async def test_checkpoints_have_their_turns_and_none_waits_longer_than_the_interval() -> None:
    async with Scene(Options(checkpoint_interval=300, orphans_each=float("inf"))).running() as scene:
        for number in range(10):
            scene.vpa(f"w{number}")
            scene.pod(f"w{number}-0", app=f"w{number}")
            scene.uses(pod=f"w{number}-0")
        turns = [checkpoints(await scene.turn()) for _ in range(10)]
        assert [len(turn) for turn in turns] == [2] * 10
        assert sorted(name for turn in turns[:5] for name in turn) == sorted(f"w{number}-app" for number in range(10))
        assert turns[:5] == turns[5:]


async def test_a_container_without_usage_takes_nobodys_turn() -> None:
    async with Scene().running() as scene:
        scene.vpa()
        scene.pod(containers=("app", "silent"))
        scene.uses()
        for _ in range(5):
            assert "web-silent" not in checkpoints(await scene.turn())


def stands(name: str, container: str, status: CheckpointStatus | None = None, **annotations: str) -> Found:
    meta = ObjectMeta(
        name=f"{name}-{container}", namespace="shop", uid="u", resource_version="7", annotations=annotations
    )
    spec = CheckpointSpec(name, container)
    whole = VerticalPodAutoscalerCheckpoint(meta, spec, status or CheckpointStatus(version="v3"))
    return Found(meta, spec, whole if status is not None else None)


def learned(samples: int = 100) -> CheckpointStatus:
    return msgspec.convert(
        {
            "version": "v3", "totalSamplesCount": samples, "lastUpdateTime": to_rfc3339(START - 60),
            "firstSampleStart": to_rfc3339(START - 86400), "lastSampleStart": to_rfc3339(START - 60),
            "cpuHistogram": {"bucketWeights": {"8": 10000}, "totalWeight": 10.0, "referenceTimestamp": to_rfc3339(START)},
        },
        CheckpointStatus,
    )  # fmt: skip


async def test_what_a_checkpoint_holds_counts_from_the_first_round_on() -> None:
    scene = Scene()
    scene.vpa()
    scene.pod()
    until = to_rfc3339(START + 3600)
    scene.checkpoints.found = [stands("web", "app", learned(), **{OOM_FLOOR: f"{1 << 30},{until}"})]
    async with scene.running():
        await scene.turn()
        assert scene.target() == {"cpu": "126m", "memory": "1Gi"}


async def test_an_object_that_becomes_ours_goes_on_where_the_other_recommender_was() -> None:
    scene = Scene()
    scene.vpa(recommenders=[{"name": "other"}])
    scene.pod()
    scene.checkpoints.found = [stands("web", "app", learned())]
    async with scene.running():
        await scene.turn()
        scene.checkpoints.found = [
            stands("web", "app", msgspec.structs.replace(learned(), last_update_time=to_rfc3339(START + 30)))
        ]
        scene.vpa()
        await scene.turn()
        assert scene.target()["cpu"] == "126m"


async def test_a_checkpoint_of_a_namesake_before_it_is_not_taken_over() -> None:
    scene = Scene()
    async with scene.running():
        await scene.turn()
        scene.checkpoints.found = [stands("web", "app", learned())]
        scene.vpa()
        await scene.turn()
        assert scene.target() == {}


async def test_checkpoints_whose_object_is_gone_are_deleted_whoever_recommends_for_the_others() -> None:
    scene = Scene(Options(orphans_each=60))
    scene.vpa()
    scene.vpa("other", recommenders=[{"name": "other"}])
    scene.checkpoints.found = [stands(name, "app", learned()) for name in ("web", "other", "gone")]
    async with scene.running():
        await scene.turn()
        gone = [one for one in await scene.turn() if isinstance(one, DeleteCheckpoint)]
        assert gone == [DeleteCheckpoint("shop", "gone-app", "u", "7")]


async def test_two_containers_whose_checkpoints_would_share_a_name_are_told_apart(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The name is object-container: a-b of c, and a of b-c."""
    async with Scene().running() as scene:
        for name, container in (("a-b", "c"), ("a", "b-c")):
            scene.vpa(name)
            scene.pod(f"{name}-0", app=name, containers=(container,))
            scene.uses(pod=f"{name}-0", container=container)
        kept = [one.spec for _ in range(5) for one in await scene.turn() if isinstance(one, KeepCheckpoint)]
        assert len({(spec.vpa_object_name, spec.container_name) for spec in kept}) == 1
        assert "is already that of" in caplog.text


async def test_a_pod_is_made_to_fit_the_largest_node_where_an_object_asks_for_it() -> None:
    scene = Scene()
    scene.nodes.room = {"cpu": 1000, "memory": 1 << 40}
    async with scene.running():
        scene.vpa(annotations={"kube-scaler.dev/fit-largest-node": "true"})
        scene.pod()
        scene.uses("4", "307200Ki")
        await scene.turn()
        assert scene.target()["cpu"] == "1"


async def test_usage_that_is_too_old_is_forgotten_and_the_recommendation_stands() -> None:
    async with Scene().running() as scene:
        scene.vpa()
        scene.pod()
        scene.uses()
        await scene.turn()
        scene.pods.copy.discard("shop", "web-0")
        scene.source.usage = {}
        scene.clock.time += 9 * 86400
        await scene.turn()
        await scene.turn()
        assert scene.roster.aggregates.rows.used == 0
        assert scene.target()["cpu"] == "126m"
