"""What holds for every object, whatever its triggers show."""

from hypothesis import given, settings
from hypothesis import strategies as st

from scaler.api.scaledobject import Health
from scaler.horizontal.readings import Memory, Policy
from tests.horizontal.objects import NOW, failed, judge, read, subject, trigger

DIRECTIONS = (
    "autoscaling.keda.sh/paused-scale-in",
    "autoscaling.keda.sh/paused-scale-out",
    "autoscaling.keda.sh/force-activation",
    "autoscaling.keda.sh/paused",
)

counts = st.integers(0, 200)
readings = st.one_of(
    st.builds(
        lambda value, fresh, assumed: ("read", value, fresh, assumed),
        st.sampled_from([0, 1, 7, 1e9]),
        st.booleans(),
        st.booleans(),
    ),
    st.just(("failed",)),
)
behaviors = st.sampled_from(["static", "currentReplicas", "currentReplicasIfHigher", "currentReplicasIfLower"])
fallbacks = st.none() | st.fixed_dictionaries(
    {"failureThreshold": st.integers(0, 3), "replicas": st.integers(0, 5), "behavior": behaviors}
)
annotations = st.dictionaries(
    st.sampled_from(DIRECTIONS),
    st.sampled_from(["true", "false", "yes"]),
)


@st.composite
def cases(draw):
    low = draw(st.none() | st.integers(0, 10))
    high = draw(st.integers(max(low or 1, 1), 100))
    idle = draw(st.none() | st.integers(0, (low or 0) - 1)) if low else None
    spec = {"maxReplicaCount": high}
    spec |= {} if low is None else {"minReplicaCount": low}
    spec |= {} if idle is None else {"idleReplicaCount": idle}
    fallback = draw(fallbacks)
    spec |= {} if fallback is None else {"fallback": fallback}
    seen = []
    for index, drawn in enumerate(draw(st.lists(readings, min_size=1, max_size=3))):
        if drawn[0] == "failed":
            seen.append(failed(index))
        else:
            seen.append(read(drawn[1], index, at=NOW if drawn[2] else NOW - 1000, assumed=drawn[3]))
    judged = subject(*(trigger(index) for index in range(len(seen))), annotations=draw(annotations), **spec)
    failures = draw(st.integers(0, 6))
    memory = Memory(
        last_active=draw(st.none() | st.floats(NOW - 1000, NOW)),
        health={
            f"s{index}-queue": Health(failures, "Failing" if failures else "Happy") for index in range(len(seen))
        },
    )
    return (
        judged,
        seen,
        draw(counts),
        memory,
        draw(st.sampled_from(["upstream", "strict"])),
        draw(st.sampled_from(["minimum", "demand"])),
    )


@settings(deadline=None)  # a busy machine is no failure
@given(cases())
def test_an_error_never_leads_to_zero_unless_the_fallback_is_zero(case):
    judged, seen, replicas, memory, no_data, activate_to = case
    evaluation = judge(judged, *seen, replicas=replicas, memory=memory, policy=Policy(no_data, activate_to))
    if evaluation.decision.replicas != 0 or not any(one.why for one in seen if hasattr(one, "why")):
        return
    fallback = judged.scaled.spec.fallback
    assert no_data == "upstream"
    assert fallback is not None
    assert fallback.replicas == 0
    assert fallback.behavior in {"", "static", "currentReplicasIfLower"}


@settings(deadline=None)  # a busy machine is no failure
@given(cases())
def test_what_is_set_is_within_the_bounds_and_a_change(case):
    judged, seen, replicas, memory, no_data, activate_to = case
    decision = judge(judged, *seen, replicas=replicas, memory=memory, policy=Policy(no_data, activate_to)).decision
    if decision.replicas is None:
        return
    spec = judged.scaled.spec
    assert decision.replicas != replicas
    assert decision.replicas <= spec.maximum
    if decision.rule == "activate":
        assert decision.replicas >= max(spec.minimum, 1) > 0
        assert decision.replicas > replicas
    if decision.rule == "deactivate":
        assert decision.replicas == (spec.minimum if spec.idle_replica_count is None else spec.idle_replica_count)
        assert decision.replicas < replicas


@settings(deadline=None)  # a busy machine is no failure
@given(cases())
def test_strict_goes_to_zero_on_real_fresh_data_only(case):
    judged, seen, replicas, memory, _, activate_to = case
    decision = judge(judged, *seen, replicas=replicas, memory=memory, policy=Policy("strict", activate_to)).decision
    if decision.replicas == 0:
        assert all(hasattr(one, "value") and not one.assumed and one.at == NOW and not one.active for one in seen)


@settings(deadline=None)  # a busy machine is no failure
@given(cases())
def test_every_external_metric_is_answered_with_a_value_or_a_reason(case):
    judged, seen, replicas, memory, no_data, activate_to = case
    evaluation = judge(judged, *seen, replicas=replicas, memory=memory, policy=Policy(no_data, activate_to))
    assert set(evaluation.metrics) == {f"s{index}-queue" for index in range(len(seen))}
    assert all((told.value is None) == bool(told.error) for told in evaluation.metrics.values())
