"""The rules that no schema can say: accepted and refused pairs, each with its path, its value and what would be right."""

import msgspec
import pytest

from scaler.api import neighbours, rules
from scaler.api.reasons import ALL
from scaler.api.scaledobject import Fallback
from tests.horizontal.objects import scaled_object

QUEUE = {"type": "aws-sqs-queue", "metadata": {}}
CPU = {"type": "cpu", "metadata": {}}
MEMORY = {"type": "memory", "metadata": {}}


def reasons(scaled):
    return [refusal.reason for refusal in rules.own_refusals(scaled)]


# what it says, the spec, reasons
# fmt: off
OWN = [
    ("a plain object", {}, []),
    ("minimum and maximum alike", {"minReplicaCount": 5, "maxReplicaCount": 5}, []),
    ("minimum above maximum", {"minReplicaCount": 6, "maxReplicaCount": 5}, ["incorrect-replicas"]),
    ("minimum above the default maximum", {"minReplicaCount": 101}, ["incorrect-replicas"]),
    ("idle below minimum", {"idleReplicaCount": 1, "minReplicaCount": 2}, []),
    ("idle at minimum", {"idleReplicaCount": 2, "minReplicaCount": 2}, ["incorrect-replicas"]),
    ("idle 0 without a minimum", {"idleReplicaCount": 0}, ["incorrect-replicas"]),
    ("idle 0 with an explicit minimum of 0", {"idleReplicaCount": 0, "minReplicaCount": 0}, []),
    ("idle 1 with an explicit minimum of 0", {"idleReplicaCount": 1, "minReplicaCount": 0}, ["incorrect-replicas"]),
    ("a fallback", {"fallback": {"failureThreshold": 0, "replicas": 0}}, []),
    ("a fallback of cpu alone", {"triggers": [CPU, MEMORY], "fallback": {"failureThreshold": 1, "replicas": 1}}, ["incorrect-fallback"]),
    ("a fallback beside cpu", {"triggers": [CPU, QUEUE], "fallback": {"failureThreshold": 1, "replicas": 1}}, []),
    ("a fallback to a formula that is none", {"fallback": {"failureThreshold": 1, "replicas": 1, "behavior": "scalingModifiers"}}, ["scaling-modifiers-fallback"]),
    ("a fallback to a formula", {"fallback": {"failureThreshold": 1, "replicas": 1, "behavior": "scalingModifiers"}, "advanced": {"scalingModifiers": {"formula": "a", "target": "1"}}}, []),
    ("the longest name with an HPA name of its own", {"name": "a" * 63, "advanced": {"horizontalPodAutoscalerConfig": {"name": "x"}}}, []),
    ("a name beyond a label", {"name": "a" * 64, "advanced": {"horizontalPodAutoscalerConfig": {"name": "x"}}}, ["name-too-long"]),
    ("the longest name with the default HPA name", {"name": "a" * 54}, []),
    ("a name whose HPA name is beyond a label", {"name": "a" * 55}, ["hpa-name-too-long"]),
    ("names of triggers", {"triggers": [{**QUEUE, "name": "a"}, {**QUEUE, "name": "b"}, QUEUE, QUEUE]}, []),
    ("a name twice", {"triggers": [{**QUEUE, "name": "a"}, {**QUEUE, "name": "a"}]}, ["incorrect-triggers"]),
    ("cached metrics", {"triggers": [{**QUEUE, "useCachedMetrics": True}]}, []),
    ("cached cpu", {"triggers": [QUEUE, {**CPU, "useCachedMetrics": True}]}, ["incorrect-triggers"]),
    ("cached memory", {"triggers": [QUEUE, {**MEMORY, "useCachedMetrics": True}]}, ["incorrect-triggers"]),
    ("cached cron", {"triggers": [{"type": "cron", "metadata": {}, "useCachedMetrics": True}]}, ["incorrect-triggers"]),
    ("our annotations", {"annotations": {"kube-scaler.dev/no-data": "strict", "kube-scaler.dev/activate-to": "demand"}}, []),
    ("a choice there is not", {"annotations": {"kube-scaler.dev/no-data": "Strict"}}, ["incorrect-annotations"]),
    ("everything at once", {"minReplicaCount": 6, "maxReplicaCount": 5, "triggers": [{**QUEUE, "name": "a"}, {**QUEUE, "name": "a"}]}, ["incorrect-replicas", "incorrect-triggers"]),
]
# fmt: on


@pytest.mark.parametrize(("made", "found"), [row[1:] for row in OWN], ids=[row[0] for row in OWN])
def test_an_object_by_itself(made, found):
    assert reasons(scaled_object(**made)) == found


def test_no_trigger_is_a_problem_even_where_no_schema_was():

    scaled = scaled_object()
    bare = msgspec.structs.replace(scaled, spec=msgspec.structs.replace(scaled.spec, triggers=()))
    assert "at least one" in str(rules.triggers(bare)[0])


def test_negative_figures_are_named_one_by_one():

    scaled = scaled_object()
    spec = msgspec.structs.replace(scaled.spec, fallback=Fallback(failure_threshold=-1, replicas=-2))
    found = rules.fallback(msgspec.structs.replace(scaled, spec=spec))
    assert [problem.path for problem in found] == ["spec.fallback.failureThreshold", "spec.fallback.replicas"]


def test_a_problem_names_the_field_the_value_and_what_would_be_right():
    (problem,) = rules.bounds(scaled_object(minReplicaCount=6, maxReplicaCount=5))
    assert (problem.path, problem.value) == ("spec.minReplicaCount", 6)
    assert "at most" in problem.message
    (problem,) = rules.triggers(scaled_object(triggers=[{**QUEUE, "name": "a"}, {**QUEUE, "name": "a"}]))
    assert problem.path == "spec.triggers[1].name"
    assert "trigger 0" in problem.message


# -- beside others ---------------------------------------------------------------------------------------------


def neighbour_reasons(scaled, others=(), hpas=()):
    return [refusal.reason for refusal in neighbours.neighbour_refusals(scaled, others, hpas)]


def hpa(name="x", target="web", kind="Deployment", version="apps/v1", **metadata):
    return {
        "metadata": {"name": name, **metadata},
        "spec": {"scaleTargetRef": {"apiVersion": version, "kind": kind, "name": target}},
    }


@pytest.mark.parametrize(
    ("ref", "found"),
    [
        ({"name": "web"}, ["other-scaled-object"]),
        ({"name": "web", "apiVersion": "apps/v1beta1"}, ["other-scaled-object"]),
        ({"name": "api"}, []),
        ({"name": "web", "kind": "StatefulSet"}, []),
        ({"name": "web", "apiVersion": "argoproj.io/v1alpha1"}, []),
    ],
)
def test_a_workload_has_one_scaled_object(ref, found):
    assert neighbour_reasons(scaled_object(), [scaled_object(name="other", scaleTargetRef=ref)]) == found


def test_an_object_is_no_neighbour_of_itself():
    assert neighbour_reasons(scaled_object(), [scaled_object()]) == []


def test_an_hpa_has_one_scaled_object():
    other = scaled_object(
        name="other",
        scaleTargetRef={"name": "api"},
        advanced={"horizontalPodAutoscalerConfig": {"name": "keda-hpa-web"}},
    )
    assert neighbour_reasons(scaled_object(), [other]) == ["other-scaled-object-hpa"]


OURS = {
    "ownerReferences": [{"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "web", "controller": True}]
}
TRANSFER = {"scaledobject.keda.sh/transfer-hpa-ownership": "true"}


@pytest.mark.parametrize(
    ("standing", "found"),
    [
        (hpa(), ["other-hpa"]),
        (hpa(version="apps/v1beta2"), ["other-hpa"]),
        (hpa(target="api"), []),
        (hpa(kind="StatefulSet"), []),
        (hpa(**OURS), []),
        (hpa(annotations={"validations.keda.sh/hpa-ownership": "false"}), []),
        (hpa(annotations={"validations.keda.sh/hpa-ownership": "true"}), ["other-hpa"]),
    ],
)
def test_a_workload_has_one_hpa(standing, found):
    assert neighbour_reasons(scaled_object(), hpas=[standing]) == found


@pytest.mark.parametrize(
    ("name", "found"),
    [("x", []), ("y", ["other-hpa"]), (None, ["other-hpa", "transfer-ownership-missing-hpa-name"])],
)
def test_an_hpa_is_taken_over_by_its_name(name, found):
    advanced = {"horizontalPodAutoscalerConfig": {"name": name}} if name else {}
    scaled = scaled_object(annotations=TRANSFER, advanced=advanced)
    assert neighbour_reasons(scaled, hpas=[hpa("x")]) == found


def test_whose_an_hpa_is():
    scaled = scaled_object()
    ours = {"app.kubernetes.io/managed-by": "keda-operator", "app.kubernetes.io/part-of": "web"}
    assert neighbours.owns(scaled, hpa(**OURS))
    assert neighbours.owns(scaled, hpa(labels=ours))
    assert not neighbours.owns(scaled, hpa(labels={**ours, "app.kubernetes.io/part-of": "api"}))
    somebody = [{"apiVersion": "example.com/v1", "kind": "Scaler", "name": "web", "controller": True}]
    assert not neighbours.owns(scaled, hpa(labels=ours, ownerReferences=somebody))
    namesake = [{"apiVersion": "example.com/v1", "kind": "ScaledObject", "name": "web", "controller": True}]
    assert not neighbours.owns(scaled, hpa(ownerReferences=namesake))


# -- the target's pods -----------------------------------------------------------------------------------------


def pods(*containers):
    return {"containers": list(containers)}


def container(name="app", **resources):
    return {"name": name, "resources": resources}


def limit_range(**limit):
    return {"spec": {"limits": [{"type": "Container", **limit}]}}


# fmt: off
PODS = [
    ("a request", [CPU], pods(container(requests={"cpu": "100m"})), [], 0),
    ("a limit does as well", [CPU], pods(container(limits={"cpu": 1})), [], 0),
    ("nothing", [CPU], pods(container()), [], 1),
    ("no resources at all", [CPU], pods({"name": "app"}), [], 1),
    ("a request of nothing", [CPU], pods(container(requests={"cpu": "0"})), [], 1),
    ("a request of the other resource", [MEMORY], pods(container(requests={"cpu": "1"})), [], 1),
    ("each container", [CPU], pods(container("a"), container("b"), container("c", requests={"cpu": 1})), [], 2),
    ("each trigger", [CPU, MEMORY], pods(container()), [], 2),
    ("only the named container", [{**CPU, "metadata": {"containerName": "c"}}], pods(container("a"), container("c", requests={"cpu": 1})), [], 0),
    ("a container there is not", [{**CPU, "metadata": {"containerName": "z"}}], pods(container("a", requests={"cpu": 1})), [], 1),
    ("a default request", [CPU], pods(container()), [limit_range(defaultRequest={"cpu": "1"})], 0),
    ("a default limit", [CPU], pods(container()), [limit_range(default={"cpu": "1"})], 0),
    ("a default of the other resource", [CPU], pods(container()), [limit_range(default={"memory": "1Gi"})], 1),
    ("a limit range of pods", [CPU], pods(container()), [limit_range(type="Pod", default={"cpu": "1"})], 1),
    ("other triggers need nothing", [QUEUE], pods(container()), [], 0),
]
# fmt: on


@pytest.mark.parametrize("case", PODS, ids=lambda case: case[0])
def test_cpu_and_memory_need_requests(case):
    _, triggers, spec, ranges, count = case
    scaled = scaled_object(triggers=triggers, minReplicaCount=1)
    found = rules.pod_refusals(scaled, spec, ranges)
    assert [refusal.reason for refusal in found] == ["missing-requests"] * count


@pytest.mark.parametrize(
    ("made", "count"),
    [
        ({"triggers": [CPU]}, 1),
        ({"triggers": [CPU, MEMORY], "minReplicaCount": 0}, 1),
        ({"triggers": [CPU], "minReplicaCount": 1}, 0),
        ({"triggers": [CPU, QUEUE]}, 0),
        ({"triggers": [CPU], "scaleTargetRef": {"name": "web", "kind": "StatefulSet"}}, 1),
        (
            {
                "triggers": [CPU],
                "scaleTargetRef": {"name": "web", "kind": "Rollout", "apiVersion": "argoproj.io/v1alpha1"},
            },
            0,
        ),
    ],
)
def test_cpu_and_memory_alone_cannot_go_to_zero(made, count):
    found = rules.pod_refusals(scaled_object(**made), None)
    assert [refusal.reason for refusal in found] == ["scale-to-zero-requirements-not-met"] * count


def test_pods_of_other_kinds_are_not_looked_at():
    scaled = scaled_object(
        triggers=[CPU],
        minReplicaCount=1,
        scaleTargetRef={"name": "web", "kind": "Rollout", "apiVersion": "argoproj.io/v1alpha1"},
    )
    assert rules.pod_refusals(scaled, pods(container())) == []


# -- warnings --------------------------------------------------------------------------------------------------

CACHED = [{**QUEUE, "useCachedMetrics": True}]


@pytest.mark.parametrize(
    ("made", "fields"),
    [
        ({}, []),
        ({"pollingInterval": 5, "cooldownPeriod": 5}, []),
        ({"minReplicaCount": 1, "pollingInterval": 5}, ["pollingInterval"]),
        ({"minReplicaCount": 1, "cooldownPeriod": 5}, ["cooldownPeriod"]),
        ({"minReplicaCount": 1, "pollingInterval": 5, "triggers": CACHED}, []),
        ({"minReplicaCount": 1, "idleReplicaCount": 0, "pollingInterval": 5, "cooldownPeriod": 5}, []),
        ({"minReplicaCount": 1}, []),
    ],
)
def test_fields_without_effect_are_warned_of(made, fields):
    found = rules.warnings(scaled_object(**made))
    assert [warning.split()[0] for warning in found] == [f"spec.{field}" for field in fields]


# -- reasons of events -----------------------------------------------------------------------------------------


def test_reasons_are_upstreams_and_each_stands_once():
    assert {name: reason.name for name, reason in ALL.items()} == {name: name for name in ALL}
    assert {
        "ScaledObjectReady",
        "KEDAScalersStarted",
        "KEDAScaleTargetActivated",
        "TriggerAuthenticationAdded",
    } <= set(ALL)
    warnings = {name for name, reason in ALL.items() if reason.type == "Warning"}
    assert warnings == {
        "ScaledObjectCheckFailed",
        "ScaledObjectUpdateFailed",
        "ScaledObjectDeleted",
        "KEDAScalerFailed",
        "KEDAMetricSourceFailed",
        "KEDAScaleTargetActivationFailed",
        "KEDAScaleTargetDeactivationFailed",
        "TriggerAuthenticationFailed",
        "ClusterTriggerAuthenticationFailed",
        "EvictionsIneffective",
    }
