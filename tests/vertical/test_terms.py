"""What one object says of how its pods are sized."""

from typing import Any

import msgspec
import pytest

from scaler.api import verticalpodautoscaler as api
from scaler.api.selector import parse_selector
from scaler.api.verticalpodautoscaler import VerticalPodAutoscaler
from scaler.errors import Invalid
from scaler.vertical.amounts import RESOURCES
from scaler.vertical.estimation import Estimation
from scaler.vertical.roster import Crew, Roster, Subject
from scaler.vertical.sizing import Rounding
from scaler.vertical.terms import Defaults, Terms, terms_of
from scaler.vertical.usage import Aggregates, MemoryRules
from tests.vertical import vectors

DEFAULTS = Defaults()


def vpa(policy: Any = None, annotations: dict[str, str] | None = None, **spec: Any) -> VerticalPodAutoscaler:
    """One with a whole resourcePolicy, or without."""
    if policy is not None:
        spec["resourcePolicy"] = policy
    meta = {"name": "web", "namespace": "shop", "annotations": annotations or {}}
    return msgspec.convert({"metadata": meta, "spec": spec}, VerticalPodAutoscaler)


def terms(policy: Any = None, annotations: dict[str, str] | None = None) -> Terms:
    return terms_of(vpa(policy, annotations), DEFAULTS)


def for_all(policy: dict[str, Any] | None) -> Any:
    """A policy for every container, as a case has it by itself."""
    return None if policy is None else {"containerPolicies": [{"containerName": "*", **policy}]}


# -- container_policy ------------------------------------------------------------------------------------------


def play_mode(case: vectors.Case) -> None:
    found = terms(for_all(case.input["policy"])).of("app")
    assert ("Off" if found.off else "Auto") == case.expected["expected"]


def play_controlled(case: vectors.Case) -> None:
    found = terms(for_all(case.input["policy"])).of("app")
    assert [each for each, sized in zip(RESOURCES, found.controlled, strict=True) if sized] == case.expected[
        "expected"
    ]


def play_interval(case: vectors.Case) -> None:
    """Upstream's gate is open here: what it does not read without the gate just works."""
    policy = case.input["policy"] or {}
    found = terms(for_all(case.input["policy"])).of("app").memory
    closed = not case.input["featureEnabled"]
    if "expectedInterval" in case.expected:
        own = policy.get("memoryAggregationIntervalSeconds")
        assert found.interval == (own if closed and own else case.expected["expectedInterval"]["seconds"])
    else:
        own = policy.get("memoryAggregationIntervalCount")
        assert found.intervals == (own if closed and own else case.expected["expectedCount"])


def play_change(case: vectors.Case) -> None:
    """An object is put, perhaps in the place of an older one; then the new one counts."""
    told = dict(case.input["newVpa"])
    policy = case.input["resourcePolicy"]
    told["spec"] = told["spec"] | ({"resourcePolicy": policy} if policy else {})
    found = msgspec.convert(told, VerticalPodAutoscaler)
    roster = Roster(Aggregates())
    everything = parse_selector("")
    key = (found.metadata.namespace, found.metadata.name)
    if case.input["oldVpa"]:
        old = msgspec.convert(case.input["oldVpa"], VerticalPodAutoscaler)
        roster.put_subject(key, everything, terms_of(old, DEFAULTS))
    subject = roster.put_subject(key, everything, terms_of(found, DEFAULTS))
    assert ("Off" if subject.terms.of("container-1").off else "Auto") == case.expected["expectedScalingMode"]
    written = found.spec.update_policy.update_mode if found.spec.update_policy else None
    assert written == case.expected["expectedUpdateMode"]
    assert found.api_version.partition("/")[2] == case.expected["expectedAPIVersion"]


def play_matching(case: vectors.Case) -> None:
    told = case.input
    roster = Roster(Aggregates())
    matching = dict([told["vpaSelector"].split(" = ")])
    subject = roster.put_subject(("shop", "web"), parse_selector(told["vpaSelector"]), terms(told["resourcePolicy"]))
    for container in told["aggregations"]:
        roster.put_pod(("shop", f"pod-{container}"), Crew(matching, (container,)), 0.0)
    roster.put_pod(("shop", "pod"), Crew(told["containerLabels"], (told["container"],)), 0.0)
    needs = {name: not subject.terms.of(name).off for name in subject.rows()}
    assert needs == case.expected["expectedNeedsRecommendation"]


def play_resource_policy(case: vectors.Case) -> None:
    found = terms(case.input["resourcePolicy"])
    modes = {name: "Off" if found.of(name).off else "Auto" for name in case.input["containers"]}
    assert modes == case.expected["expectedScalingMode"]
    needs = {name: mode == "Auto" for name, mode in modes.items()}
    assert needs == case.expected["expectedNeedsRecommendation"]


def play_remembered(case: vectors.Case) -> None:
    subject = Subject(("shop", "web"), parse_selector(""), Terms())
    subject.recommended = {name: dict(one) for name, one in case.input["containers"].items() if one is not None}
    told = case.input["recommendation"]["containerRecommendations"]
    subject.remember({one["containerName"]: one["target"] for one in told})
    expected = case.expected["expectedLast"]
    assert set(subject.recommended) == set(expected)
    assert all(subject.recommended[one["containerName"]] == expected[one["containerName"]] for one in told)


def play_values(case: vectors.Case) -> None:
    policy = vpa(case.input["policy"]).spec.policy(case.input["containerName"])
    found = (policy.controlled_values if policy else "") or "RequestsAndLimits"
    assert found == case.expected["expected"]


TABLES = {
    "TestUpdateFromPolicyScalingMode": play_mode,
    "TestUpdateFromPolicyControlledResources": play_controlled,
    "TestUpdateFromPolicyMemoryAggregationInterval": play_interval,
    "TestUpdateFromPolicyMemoryAggregationIntervalCount": play_interval,
    "TestAddOrUpdateVPAPolicies": play_change,
    "TestUseAggregationIfMatching": play_matching,
    "TestSetResourcePolicy": play_resource_policy,
    "TestUpdateRecommendation": play_remembered,
    "TestGetContainerControlledResources": play_values,
}
PLAYERS = {"container_policy": lambda case: TABLES[case.table](case)}


@pytest.mark.parametrize("case", vectors.cases(*PLAYERS))
def test_upstreams_answer_is_ours(case: vectors.Case) -> None:
    PLAYERS[case.kind](case)


def test_amounts_are_read_as_millicores_and_bytes() -> None:
    policy = {"minAllowed": {"cpu": "50m", "memory": "64Mi"}, "maxAllowed": {"cpu": 2}, "oomBumpUpRatio": "1.5"}
    defaults = Defaults(max_allowed={"cpu": 9000, "memory": 10**9})
    found = terms_of(vpa(for_all(policy)), defaults).of("app")
    assert found.min_allowed == (50, 67108864)
    assert found.max_allowed == (2000, 10**9)
    assert found.memory == MemoryRules(oom_ratio=1.5)


def test_whole_cores_are_asked_for_by_upstreams_annotation() -> None:
    annotations = {
        "vpa-post-processor.kubernetes.io/app_integerCPU": "true",
        "vpa-post-processor.kubernetes.io/other_integerCPU": "false",
    }
    found = terms(for_all({"minAllowed": {"cpu": "1"}}), annotations)
    assert [found.of(name).whole_cores for name in ("app", "other")] == [True, False]
    assert found.of("app").min_allowed == (1000, 0)


def test_our_annotations_say_what_upstream_has_no_field_for() -> None:
    annotations = {
        api.MINIMUM_CPU: "5m",
        api.MINIMUM_MEMORY: "32Mi",
        api.OOM_FLOOR: "8d",
        api.FIT_NODE: "true",
        api.INIT_CONTAINERS: "sidecars",
    }
    found = terms(None, annotations)
    assert (found.minimum, found.oom_floor, found.fit_node) == ((5.0, 32.0), 691200.0, True)
    assert found.init_containers == "sidecars"
    assert terms().minimum == (25.0, 250.0)


def test_a_recommenders_defaults_hold_where_the_object_is_silent() -> None:
    defaults = Defaults(
        estimation=Estimation(minimum_cpu=10, minimum_memory=100),
        memory=MemoryRules(3600.0, 4, 2.0, 5),
        rounding=Rounding(),
        oom_floor=60.0,
        fit_node=True,
    )
    found = terms_of(vpa(), defaults)
    assert (found.minimum, found.oom_floor, found.fit_node) == ((10, 100), 60.0, True)
    assert found.of("app").memory == defaults.memory
    assert not terms_of(vpa(None, {api.FIT_NODE: "false"}), defaults).fit_node


def test_every_quantity_that_is_none_is_named_at_its_path() -> None:
    policy = for_all({"minAllowed": {"cpu": "1e999"}, "maxAllowed": {"memory": "much"}, "oomMinBumpUp": "x"})
    with pytest.raises(Invalid) as refusal:
        terms(policy, {api.MINIMUM_CPU: "few", api.OOM_FLOOR: "long"})
    assert [problem.path for problem in refusal.value.problems] == [
        "spec.resourcePolicy.containerPolicies[*].minAllowed.cpu",
        "spec.resourcePolicy.containerPolicies[*].maxAllowed.memory",
        "spec.resourcePolicy.containerPolicies[*].oomMinBumpUp",
        f"metadata.annotations[{api.MINIMUM_CPU}]",
        f"metadata.annotations[{api.OOM_FLOOR}]",
    ]
