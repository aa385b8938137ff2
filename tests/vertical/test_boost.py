"""More cpu until a pod is ready."""

from typing import Any

import msgspec
import pytest

from scaler.errors import Invalid
from scaler.vertical.boost import boost_left, boosted_cpu, ended_boosts, with_boost
from scaler.vertical.limit_ranges import NO_RANGES
from scaler.vertical.observed import boosted_containers, read_original, written_original
from scaler.vertical.pods import SizedPod, sized
from scaler.vertical.quantities import amounts_of, millicores
from scaler.vertical.resize import Wanted, resize, sizes_at_creation
from scaler.vertical.rules import Boost, ContainerRules, Rules
from tests.vertical import vectors
from tests.vertical.pod_side import (
    expected_operations,
    now_of,
    operations,
    pod_of,
    recommendation_from,
    rules_from,
)


def startup_boost(case: vectors.Case) -> None:
    {
        "TestCalculatePatches_StartupBoost": at_creation,
        "TestCalculatePatches_MultiContainerResourceUpdates": while_running,
        "TestGetOriginalResourcesAnnotationValue": remembered,
        "TestGetOriginalResourcesFromAnnotation": read_back,
        "TestGetExpiredStartupCPUBoostAnnotations": ended,
        "TestPodHasCPUBoostInProgressAnnotation": in_progress,
    }[case.table](case)


def at_creation(case: vectors.Case) -> None:
    given = case.input
    if case.expected["expectError"]:
        with pytest.raises((Invalid, msgspec.ValidationError)):
            boost_patch(given)
        return
    assert operations(boost_patch(given)) == expected_operations(case.expected["expectPatches"])


def boost_patch(given: Any) -> Any:
    rules = rules_from(given["vpa"])
    if not given["featureGateEnabled"]:  # a gate that is shut is a boost nobody asked for: ours are open
        rules = Rules(name=rules.name)
    containers = sized(pod_of(given["pod"]))
    wanted = [
        Wanted(amounts_of(one["Requests"] or {}), amounts_of(one["Limits"] or {}))
        for one in given["recommendResources"]
    ]
    return list(sizes_at_creation(containers, wanted, rules, millicores(given["maxAllowedCpu"])))


def while_running(case: vectors.Case) -> None:
    """Upstream's table is given the sizes; ours come from the same recommendation."""
    given = case.input
    pod = pod_of(given["pod"])
    named = [
        {"containerName": container.name, "target": one["Requests"]}
        for container, one in zip(pod.spec.containers or (), given["recommendResources"], strict=True)
        if one["Requests"]
    ]
    rules = rules_from(given["vpa"] | {"metadata": {"name": "name"}})
    rules = msgspec.structs.replace(rules, recommendation=recommendation_from({"containerRecommendations": named}))
    found = resize(pod, rules, ranges=NO_RANGES, now=now_of(case))
    assert operations(found.patch) == expected_operations(case.expected["expectPatches"])


def remembered(case: vectors.Case) -> None:
    pod = pod_of({"spec": {"containers": [case.input["container"]]}})
    found = msgspec.json.decode(written_original(sized(pod)[0]))
    wanted = case.expected["expected"]
    assert found == {"requests": wanted["Requests"], "limits": wanted["Limits"]}


def read_back(case: vectors.Case) -> None:
    pod = pod_of(case.input["pod"])
    if case.expected["expectErr"]:
        with pytest.raises(ValueError, match="cannot be read"):
            read_original(pod, "container1")
        return
    wanted = case.expected["expected"]
    found = read_original(pod, "container1")
    assert found == (wanted and (amounts_of(wanted["Requests"]), amounts_of(wanted["Limits"])))


def ended(case: vectors.Case) -> None:
    found = ended_boosts(pod_of(case.input["pod"]), rules_from(case.input["vpa"]), now_of(case))
    assert [f"vpaCpuStartupBoost/{name}" for name in found] == (case.expected["expected"] or [])


def in_progress(case: vectors.Case) -> None:
    assert bool(boosted_containers(pod_of(case.input["pod"]))) == case.expected["expected"]


PLAYERS = {"cpu_startup_boost": startup_boost}


@pytest.mark.parametrize("case", vectors.cases(*PLAYERS))
def test_upstreams_answer_is_ours(case: vectors.Case) -> None:
    PLAYERS[case.kind](case)


READY = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
SINCE = 1767225600.0


def boosted_pod(*conditions: Any) -> SizedPod:
    return pod_of(
        {
            "metadata": {"annotations": {"vpaCpuStartupBoost/app": '{"requests":{"cpu":"100m"}}'}},
            "spec": {"containers": [{"name": "app", "resources": {"requests": {"cpu": "1"}}}]},
            "status": {"conditions": conditions},
        }
    )


TENFOLD = Rules(mode="Off", others=ContainerRules(boost=Boost(factor=10, seconds=60)))


def test_a_boost_lasts_until_the_pod_is_ready_and_then_for_its_time() -> None:
    assert boost_left(boosted_pod(), TENFOLD, "app", SINCE) is None
    assert boost_left(boosted_pod(READY), TENFOLD, "app", SINCE + 20) == 40
    assert ended_boosts(boosted_pod(READY), TENFOLD, SINCE + 59) == []
    assert ended_boosts(boosted_pod(READY), TENFOLD, SINCE + 60) == ["app"]


def test_a_boost_that_is_no_more_in_the_object_ends_at_once() -> None:
    assert ended_boosts(boosted_pod(READY), Rules(mode="Off"), SINCE) == ["app"]


def test_a_container_goes_back_to_what_it_had_where_nothing_is_recommended() -> None:
    found = resize(boosted_pod(READY), TENFOLD, NO_RANGES, SINCE + 60)
    assert [(one.path, one.value) for one in found.patch] == [("/spec/containers/0/resources/requests/cpu", "100m")]
    assert found.unboosted == ("app",)


@pytest.mark.parametrize(("limit", "cpu"), [(None, 1000), (1000, 1000), (900, 899), (1, 1)])
def test_a_boost_within_a_fixed_limit_leaves_the_quality_of_service(limit: int | None, cpu: int) -> None:
    limits = {} if limit is None else {"cpu": str(limit) + "m"}
    pod = pod_of({"spec": {"containers": [{"name": "app", "resources": {"limits": limits}}]}})
    rules = ContainerRules(requests_only=True, boost=Boost(factor=10))
    assert with_boost(sized(pod)[0], rules, {"cpu": 100}, {})[0] == {"cpu": cpu}


@pytest.mark.parametrize(
    ("boost", "says"),
    [
        (Boost(factor=0), "spec.startupBoost.cpu.factor: must be 1 or more with the type Factor (it is 0)"),
        (Boost(type="Quantity"), "spec.startupBoost.cpu.quantity: is needed with the type Quantity"),
        (Boost(type="Twice"), "spec.startupBoost.cpu.type: must be Factor or Quantity (it is 'Twice')"),
    ],
)
def test_a_boost_that_cannot_be_says_what_would_be_right(boost: Boost, says: str) -> None:
    with pytest.raises(Invalid) as refused:
        boosted_cpu(100, boost)
    assert str(refused.value) == says
