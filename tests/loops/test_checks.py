import msgspec
import pytest

from scaler.actions import SetReplicas
from scaler.clock import from_rfc3339
from scaler.errors import ApiError
from scaler.horizontal.readings import Failure, Memory
from scaler.loops.objects import Tracked
from tests.horizontal.objects import NOW, scaled_object
from tests.loops.checking import World


@pytest.fixture
def world():
    return World()


async def test_a_poll_tells_the_board_and_acts(world):
    world.replicas, world.values = 0, {0: 12.0}
    tracked = world.add()
    await world.checks.poll(tracked)
    (metric,) = world.board.get(("shop", "web")).metrics.values()
    assert metric.value == 12
    assert [action.replicas for action in world.done if isinstance(action, SetReplicas)] == [1]
    assert [tell.reason for tell in world.told] == ["KEDAScaleTargetActivated"]
    assert tracked.wanted.last_active_time is not None


@pytest.mark.parametrize(("objects", "apart"), [(1, 60), (100, 60), (1000, 500)])
async def test_the_more_objects_the_less_often_does_a_last_active_time_advance(world, objects, apart):
    """Each such write comes back as a change: all objects together make at most two of them a second."""
    world.values[0] = 12.0
    tracked, written = world.add(), []
    for number in range(1, objects):
        world.objects.add(Tracked(scaled_object(name=f"other-{number}"), Memory()))
    for _ in range(1100):
        await world.checks.poll(tracked)
        written.append(from_rfc3339(tracked.wanted.last_active_time))
        world.now_ += 1
    first, second, *_ = sorted(set(written))
    assert second - first == apart


async def test_a_look_refreshes_the_board_and_decides_nothing(world):
    world.replicas, world.values = 0, {0: 12.0}
    tracked = world.add()
    answer = await world.checks.look("shop", "web", "s0-metric-api-v")
    assert answer.value == 12
    assert world.board.get(("shop", "web")).metrics["s0-metric-api-v"].value == 12
    assert not world.done
    assert not world.told
    assert tracked.evaluation is None


async def test_what_a_look_finds_is_told_as_a_poll_is(world):
    tracked = world.add()
    world.values[0] = "access denied"
    told = []
    world.checks.on_look.append(lambda about, fresh: told.append((about, fresh)))
    await world.checks.look("shop", "web", "s0-metric-api-v")
    ((about, (failure,)),) = told
    assert (about, failure.why) == (tracked, "access denied")


async def test_a_look_finds_a_metric_in_whatever_case_it_is_asked_for(world):
    """Kubernetes' client library writes it in lower case."""
    world.values = {0: 12.0}
    world.add({"valueLocation": "Depth.Now"})
    assert (await world.checks.look("shop", "web", "s0-metric-api-depth-now")).metric == "s0-metric-api-Depth-Now"


async def test_a_look_asks_only_the_trigger_behind_the_metric(world):
    world.values = {0: 1.0, 1: 2.0}
    tracked = world.add({}, {})
    await world.checks.poll(tracked)
    world.asked.clear()
    await world.checks.look("shop", "web", "s1-metric-api-v")
    assert world.asked == [1]
    assert set(world.board.get(("shop", "web")).metrics) == {"s0-metric-api-v", "s1-metric-api-v"}


async def test_a_look_before_the_first_poll_tells_the_board_nothing_of_metrics_that_nobody_has_read(world):
    """A replica of the board may still know them from the leader before."""
    world.values = {0: 1.0, 1: 2.0}
    world.add({}, {})
    assert (await world.checks.look("shop", "web", "s0-metric-api-v")).value == 1
    assert world.board.get(("shop", "web")) is None
    await world.checks.look("shop", "web", "s1-metric-api-v")
    assert {name: told.value for name, told in world.board.get(("shop", "web")).metrics.items()} == {
        "s0-metric-api-v": 1,
        "s1-metric-api-v": 2,
    }


@pytest.mark.parametrize(("namespace", "name", "metric"), [("shop", "nobody", "s0-x"), ("shop", "web", "s7-nothing")])
async def test_a_look_at_what_is_not_here_says_so(world, namespace, name, metric):
    world.values = {0: 1.0}
    world.add()
    with pytest.raises(LookupError):
        await world.checks.look(namespace, name, metric)


async def test_a_failed_trigger_is_built_again_and_asked_once_more(world):
    world.values = {0: "refused", 1: 3.0}
    tracked = world.add({}, {})

    def mended():
        world.values[0] = 4.0

    world.on_rebuild = mended
    await world.checks.poll(tracked)
    assert world.rebuilt == [(0,)]
    assert sorted(world.asked) == [0, 0, 1]
    assert world.board.get(("shop", "web")).metrics["s0-metric-api-v"].value == 4


async def test_a_failure_holds_the_replicas_and_is_never_a_zero(world):
    world.replicas, world.values = 7, {0: "connection refused"}
    tracked = world.add()
    await world.checks.poll(tracked)
    (metric,) = world.board.get(("shop", "web")).metrics.values()
    assert metric.value is None
    assert "connection refused" in metric.error
    assert not world.done
    assert any(isinstance(reading, Failure) for reading in tracked.readings)


async def test_a_refused_scaling_is_told_and_the_check_goes_on(world):
    world.replicas, world.values = 0, {0: 12.0}
    world.refuse = ApiError(403, "Forbidden", "may not scale")
    tracked = world.add()
    await world.checks.poll(tracked)
    (event,) = [tell for tell in world.told if tell.type == "Warning"]
    assert event.reason == "KEDAScaleTargetActivationFailed"
    assert "may not scale" in event.message
    assert tracked.evaluation is not None


async def test_an_object_that_changed_while_it_was_read_is_judged_by_its_new_loop(world):
    world.values = {0: 1.0}
    tracked = world.add()
    reading = world.read

    async def changed_meanwhile(subject, *, ready):
        tracked.subject = msgspec.structs.replace(subject, scaled=scaled_object(metadata={"generation": 2}))
        return await reading(subject, ready=ready)

    world.read = changed_meanwhile
    await world.checks.poll(tracked)
    assert tracked.evaluation is None
    assert len(world.board) == 0


async def test_triggers_built_anew_are_judged_in_the_same_check(world):
    world.values = {0: "no"}
    tracked = world.add()

    def other_plan():
        tracked.subject = msgspec.structs.replace(tracked.subject)

    world.on_rebuild = other_plan
    await world.checks.poll(tracked)
    assert tracked.evaluation is not None


async def test_cached_metrics_are_marked_for_reads(world):
    world.values = {0: 1.0, 1: 2.0}
    tracked = world.add({"cached": "yes"}, {})
    await world.checks.poll(tracked)
    assert world.board.get(("shop", "web")).cached == {"s0-metric-api-v"}


async def test_who_finds_a_shared_answer_checks_next_when_it_grows_old(world):
    world.values = {0: 1.0}
    first, second = world.add(), world.add()
    for tracked in (first, second):
        world.checks._sources.use(tracked.triggers[0].source)
    assert await world.checks.poll(first) is None
    world.now_ += 10
    assert await world.checks.poll(second) == NOW + 30
    assert world.asked == [0]
