"""What a status says, when it is written, and what a restart makes of it."""

import msgspec
import pytest

from scaler.api.meta import Condition
from scaler.api.scaledobject import Health, ScaledObjectStatus, TriggerActivity
from scaler.clock import to_rfc3339
from scaler.horizontal.readings import Memory
from scaler.horizontal.status import described, judged, memory_from, status_patch, status_write, targeted
from tests.horizontal.objects import DEPLOYMENT, NOW, cpu, failed, judge, read, scaled_object, subject, trigger

FALLBACK = {"failureThreshold": 3, "replicas": 6}
ACTIVE = Condition("Active", "True", "ScalerActive", "")
EMPTY = ScaledObjectStatus()
IDLE = Condition("Active", "False", "ScalerNotActive", "")


def checked(of, *readings, status=EMPTY, memory=None, now=NOW, replicas=2, **more):
    evaluation = judge(of, *readings, replicas=replicas, memory=memory, now=now)
    return judged(status, evaluation, **more), evaluation.memory


# -- the patch -------------------------------------------------------------------------------------------------


def test_nothing_changed_is_no_patch():
    status = ScaledObjectStatus(hpa_name="x", health={"s0": Health(1, "Failing")})
    assert status_patch(status, msgspec.structs.replace(status)) is None
    assert status_write(scaled_object(), status, status) is None


def test_a_patch_has_only_what_differs_and_a_null_for_what_goes():
    present = ScaledObjectStatus(
        hpa_name="x",
        paused_replica_count=3,
        health={"a": Health(1, "Failing"), "gone": Health(0)},
        external_metric_names=("a",),
        original_replica_count=0,
    )
    wanted = msgspec.structs.replace(
        present, paused_replica_count=None, health={"a": Health(2, "Failing")}, external_metric_names=("a", "b")
    )
    assert status_patch(present, wanted) == {
        "pausedReplicaCount": None,
        "health": {"gone": None, "a": {"numberOfFailures": 2}},
        "externalMetricNames": ["a", "b"],
    }


def test_conditions_go_as_a_whole_list():
    present = ScaledObjectStatus(conditions=(Condition("Ready", "True"), ACTIVE))
    wanted = msgspec.structs.replace(present, conditions=(Condition("Ready", "True"), IDLE))
    assert len(status_patch(present, wanted)["conditions"]) == 2


def test_a_count_of_0_is_written():
    patch = status_patch(ScaledObjectStatus(), ScaledObjectStatus(original_replica_count=0, paused_replica_count=0))
    assert patch == {"originalReplicaCount": 0, "pausedReplicaCount": 0}


def test_a_write_points_at_the_object():
    write = status_write(scaled_object(), ScaledObjectStatus(), ScaledObjectStatus(hpa_name="x"))
    assert (write.ref.name, write.ref.namespace, write.resource) == ("web", "shop", "scaledobjects")


# -- after a check ---------------------------------------------------------------------------------------------


def test_a_first_check_fills_the_status():
    after, _ = checked(subject(trigger(0), trigger(1)), read(3, 0), read(0, 1))
    assert [condition.type for condition in after.conditions] == ["Ready", "Active", "Fallback", "TriggerData"]
    assert after.triggers_activity == {"s0-queue": TriggerActivity(True), "s1-queue": TriggerActivity(False)}
    assert after.last_active_time == to_rfc3339(NOW)


def test_an_unchanged_check_is_the_very_same_status():
    of = subject()
    first, memory = checked(of, read(0), replicas=0)
    again, _ = checked(of, read(0), replicas=0, status=first, memory=memory, now=NOW + 30)
    assert again is first


def test_other_conditions_stay():
    paused, custom = Condition("Paused", "False", "", ""), Condition("Mine", "True", "", "")
    after, _ = checked(subject(), read(3), status=ScaledObjectStatus(conditions=(custom, paused)))
    kinds = [condition.type for condition in after.conditions]
    assert kinds == ["Ready", "Active", "Fallback", "Paused", "TriggerData", "Mine"]


def test_the_last_active_time_advances_at_most_once_a_minute():
    of, written = subject(), []
    status, memory = ScaledObjectStatus(), Memory()
    for second in range(0, 200, 10):
        status, memory = checked(of, read(3), status=status, memory=memory, now=NOW + second)
        written.append(status.last_active_time)
        assert memory.last_active == NOW + second
    assert sorted(set(written)) == [to_rfc3339(NOW + second) for second in (0, 60, 120, 180)]


def test_the_installation_says_how_often_the_last_active_time_is_written():
    of = subject()
    status, memory = checked(of, read(3))
    kept, _ = checked(of, read(3), status=status, memory=memory, now=NOW + 60, advance=120.0)
    assert kept.last_active_time == to_rfc3339(NOW)
    written, _ = checked(of, read(3), status=status, memory=memory, now=NOW + 120, advance=120.0)
    assert written.last_active_time == to_rfc3339(NOW + 120)


def test_the_exact_last_active_time_is_written_when_activity_ends():
    of = subject()
    status, memory = checked(of, read(3))
    status, memory = checked(of, read(3), status=status, memory=memory, now=NOW + 30)
    assert status.last_active_time == to_rfc3339(NOW)
    status, memory = checked(of, read(0), status=status, memory=memory, now=NOW + 60)
    assert status.last_active_time == to_rfc3339(NOW + 30)


def test_the_last_active_time_is_written_when_activity_begins():
    old = ScaledObjectStatus(last_active_time=to_rfc3339(NOW - 20), conditions=(IDLE,))
    status, _ = checked(subject(), read(3), status=old)
    assert status.last_active_time == to_rfc3339(NOW)


def test_a_hand_over_writes_the_exact_last_active_time():
    of = subject()
    status, memory = checked(of, read(3))
    kept, _ = checked(of, read(3), status=status, memory=memory, now=NOW + 20)
    assert kept.last_active_time == to_rfc3339(NOW)
    handed, _ = checked(of, read(3), status=status, memory=memory, now=NOW + 20, handover=True)
    assert handed.last_active_time == to_rfc3339(NOW + 20)


def test_a_time_is_never_written_for_what_was_never_active():
    assert checked(subject(), read(0))[0].last_active_time is None


def test_failures_are_written_one_by_one_and_then_when_they_have_doubled():
    of, status, memory, written = subject(fallback=FALLBACK), ScaledObjectStatus(), Memory(), []
    for _ in range(100):
        status, memory = checked(of, failed(), status=status, memory=memory)
        written.append(status.health["s0-queue"].number_of_failures)
    assert memory.health["s0-queue"].number_of_failures == 100
    assert sorted(set(written)) == [*range(1, 21), 40, 80]
    status, _ = checked(of, read(1), status=status, memory=memory)
    assert status.health["s0-queue"] == Health(0, "Happy")


# -- a restart -------------------------------------------------------------------------------------------------


def at(status, now=NOW):
    return memory_from(scaled_object(status=status), now)


def test_a_restart_forgets_nothing():
    status = {
        "lastActiveTime": to_rfc3339(NOW - 77),
        "health": {"s0-queue": {"numberOfFailures": 2, "status": "Failing"}},
    }
    memory = at(status)
    assert memory == Memory(last_active=NOW - 77, health={"s0-queue": Health(2, "Failing")})
    assert (memory.active, memory.fallback) == (None, None)


def test_what_was_active_when_last_seen_counts_from_now():
    conditions = [{"type": "Active", "status": "True", "reason": "ScalerActive"}]
    assert at({"lastActiveTime": to_rfc3339(NOW - 77), "conditions": conditions}).last_active == NOW
    assert at({"conditions": conditions}, NOW + 0.5).last_active >= NOW + 0.5


def test_a_new_object_remembers_nothing():
    assert at({}) == Memory()


def test_a_time_that_is_none_errs_late():
    assert at({"lastActiveTime": "yesterday"}).last_active == NOW


@pytest.mark.parametrize("gap", [0, 20, 59])
def test_a_cooldown_never_ends_early_after_an_unclean_restart(gap):
    of = subject(cooldownPeriod=100)
    status, memory = checked(of, read(3), now=NOW + 0.4)
    status, memory = checked(of, read(3), status=status, memory=memory, now=NOW + gap + 0.7)
    lost = subject(cooldownPeriod=100, status=msgspec.to_builtins(status))
    crashed = memory_from(lost.scaled, NOW + gap + 5)
    end = judge(lost, read(0), replicas=2, memory=crashed, now=NOW + gap + 5).decision.until
    assert end >= judge(of, read(0), replicas=2, memory=memory, now=NOW + gap + 5).decision.until


def test_a_cooldown_that_had_begun_goes_on_to_the_same_second():
    of = subject()
    status, memory = checked(of, read(3), now=NOW + 0.3)
    status, memory = checked(of, read(0), status=status, memory=memory, now=NOW + 30.3)
    restarted = subject(status=msgspec.to_builtins(status))
    after = memory_from(restarted.scaled, NOW + 50)
    evaluation = judge(restarted, read(0), replicas=2, memory=after, now=NOW + 60)
    assert judged(restarted.scaled.status, evaluation) == restarted.scaled.status


# -- what the object is ----------------------------------------------------------------------------------------


def test_target_and_original_replicas_are_kept_once():
    first = targeted(ScaledObjectStatus(), DEPLOYMENT, 4)
    assert (first.scale_target_kind, first.scale_target_gvkr, first.original_replica_count) == (
        "apps/v1.Deployment",
        DEPLOYMENT,
        4,
    )
    assert targeted(first, DEPLOYMENT, 9).original_replica_count == 4
    zero = targeted(ScaledObjectStatus(), DEPLOYMENT, 0)
    assert targeted(zero, DEPLOYMENT, 9).original_replica_count == 0


def test_names_and_types_are_listed_once_in_order():
    of = scaled_object(
        triggers=[
            {"type": "prometheus", "metadata": {}, "authenticationRef": {"name": "grafana"}},
            {"type": "cpu", "metadata": {}},
            {"type": "prometheus", "metadata": {}, "authenticationRef": {"name": "grafana"}},
            {"type": "memory", "metadata": {}},
            {"type": "redis", "metadata": {}, "authenticationRef": {"name": "cache"}},
        ]
    )
    plans = (trigger(0), cpu(1), trigger(2), cpu(3, kind="memory", container="app"), trigger(4))
    status = described(ScaledObjectStatus(), subject(*plans, of=of))
    assert status.triggers_types == "prometheus,cpu,memory,redis"
    assert status.authentications_types == "grafana,cache"
    assert status.external_metric_names == ("s0-queue", "s2-queue", "s4-queue")
    assert status.resource_metric_names == ("cpu",)
    assert status.composite_scaler_name == ""


def test_a_formula_is_named_beside_the_metrics_it_is_made_of():
    of = subject(trigger(0, name="a"), advanced={"scalingModifiers": {"formula": "a", "target": "1"}})
    status = described(ScaledObjectStatus(), of)
    assert (status.composite_scaler_name, status.external_metric_names) == ("composite-metric", ("s0-queue",))
    assert described(status, subject()).composite_scaler_name == ""


def test_health_and_activity_of_metrics_that_are_gone_go():
    status = ScaledObjectStatus(
        health={"s0-queue": Health(1, "Failing"), "s1-old": Health()},
        triggers_activity={"s1-old": TriggerActivity(True)},
    )
    after = described(status, subject())
    assert after.health == {"s0-queue": Health(1, "Failing")}
    assert after.triggers_activity == {}


def test_a_trigger_that_cannot_be_built_now_keeps_its_names_and_health():
    status = ScaledObjectStatus(external_metric_names=("s0-queue",), health={"s0-queue": Health(1, "Failing")})
    after = described(status, subject(trigger(0, problem="secret is gone")))
    assert after.external_metric_names == ("s0-queue",)
    assert after.health == status.health
