"""A recommendation made to fit one pod."""

from typing import Any

import msgspec
import numpy as np
import pytest

from scaler.vertical import sizing
from scaler.vertical.amounts import RESOURCES, Bounds
from scaler.vertical.limit_ranges import Item, LimitRange, Ranges, merged, ranges_of
from scaler.vertical.pod_capping import Capped, cap_for_pod
from scaler.vertical.pod_range import fit_into_pod_range
from scaler.vertical.pods import sized
from scaler.vertical.quantities import amounts_of
from scaler.vertical.resize import set_resources, wanted_sizes
from scaler.vertical.rules import ContainerRules, Rules
from scaler.vertical.terms import Defaults, terms_of
from tests.vertical import vectors
from tests.vertical.pod_side import (
    expected_operations,
    is_unsound,
    item_of,
    operations,
    pod_of,
    ranges_from,
    recommendation_from,
    rules_for,
    vpa_of,
)

# -- LimitRanges -----------------------------------------------------------------------------------------------


def limit_ranges(case: vectors.Case) -> None:
    {
        "TestGetContainerLimitRangeItem": merged_item,
        "TestApplyPodLimitRange": pod_range,
        "TestApplyLimitRangeMinToRequest": container_range,
        "TestCapPodMemoryWithUnderByteSplit": under_byte_split,
    }[case.table](case)


def merged_item(case: vectors.Case) -> None:
    here = [msgspec.convert(one, LimitRange) for one in case.input["limitRanges"]]
    found = [item for one in here if one.metadata.namespace == "test-namespace" for item in one.spec.limits or ()]
    wanted = case.expected["expectedLimits"]
    assert merged(found, "Container") == (wanted and item_of(wanted, "Container"))


def pod_range(case: vectors.Case) -> None:
    rules = Rules(recommendation=recommendation_from({"containerRecommendations": case.input["resources"]}))
    item = item_of(case.input["limitRange"], "Pod")
    assert item is not None
    found = fit_into_pod_range(sized(pod_of(case.input["pod"])), rules, item)
    for one in case.expected["expect"]:
        assert found[one["containerName"]].target == amounts_of(one["target"])


def container_range(case: vectors.Case) -> None:
    given = case.input
    rules = rules_for(given["resources"], given["policy"])
    found = cap_for_pod(
        sized(pod_of(given["pod"])), rules, ranges_from(given["containerLimitRange"], given["podLimitRange"])
    )
    wanted = recommendation_from(case.expected["expect"])
    assert {name: bounds.target for name, bounds in found.recommendation.items()} == {
        name: bounds.target for name, bounds in wanted.items()
    }
    noted = {name: sorted(notes) for name, notes in case.expected["expectAnnotations"].items()}
    assert {name: sorted(notes) for name, notes in found.notes.items()} == noted


def under_byte_split(case: vectors.Case) -> None:
    around = case.input["_context"]
    pod = pod_of({"spec": {"containers": [{"name": name, "resources": has} for name, has in around["pod"].items()]}})
    named = [{"containerName": name, **one} for name, one in around["recommendation"].items()]
    rules = rules_for({"containerRecommendations": named})
    found = cap_for_pod(sized(pod), rules, ranges_from(None, case.input["limitRange"]))
    wanted = recommendation_from(case.expected["expectedRecommendation"])
    assert {name: bounds.target for name, bounds in found.recommendation.items()} == {
        name: bounds.target for name, bounds in wanted.items()
    }


# -- all of it -------------------------------------------------------------------------------------------------


def everything(case: vectors.Case) -> None:
    given = case.input
    pod = pod_of({"spec": {"containers": given["pod"]}})
    rules = rules_for(given["recommendation"], given["resourcePolicy"], name=given["vpaName"])
    ranges = ranges_from(given["containerLimitRange"], given["podLimitRange"])
    containers = sized(pod)
    capped = cap_for_pod(containers, rules, ranges)
    patch = [
        operation
        for container, size in zip(containers, wanted_sizes(containers, rules, ranges), strict=True)
        for operation in set_resources(container, size, container.has_requests, container.has_limits)
    ]
    if is_unsound(case):
        assert all(bounds_are_sane(bounds) for bounds in capped.recommendation.values())
        return
    assert capped.recommendation == recommendation_from(case.expected["cappedRecommendation"])
    noted = {name: sorted(notes) for name, notes in capped.notes.items()}
    assert noted == {name: sorted(notes) for name, notes in case.expected["cappingAnnotationsSorted"].items()}
    assert operations(patch) == expected_operations(case.expected["resourcePatchesSortedByPath"])


def bounds_are_sane(bounds: Bounds) -> bool:
    return all(amount >= 0 for one in (bounds.target, bounds.lower, bounds.upper) for amount in one.values())


# -- policies --------------------------------------------------------------------------------------------------


def capping(case: vectors.Case) -> None:
    {
        "TestRecommendationToLimitCapping": to_limit,
        "TestRecommendationCappedToMinMaxPolicy": transcribed,
        "TestApplyCapsToLimitRange": transcribed,
        "TestApplyVPAPolicy": by_the_recommender,
    }[case.table](case)


def to_limit(case: vectors.Case) -> None:
    pod = pod_of(case.input["pod"])
    rules = rules_for({"containerRecommendations": [case.input["_context"]["recommendation"]]}, case.input["policy"])
    found = cap_for_pod(sized(pod), rules)
    bounds = found.recommendation["ctr-name"]
    assert bounds.target == amounts_of(case.expected["expectedTarget"])
    assert bounds.upper == amounts_of(case.expected["expectedUpperBound"])
    assert ("memory capped to container limit" in found.notes.get("ctr-name", ())) == case.expected[
        "expectedAnnotation"
    ]


def transcribed(case: vectors.Case) -> None:
    given, wanted = case.input, case.expected
    policy = {"containerPolicies": [{"containerName": "app", **given["policy"]}]} if "policy" in given else None
    rules = rules_for({"containerRecommendations": [{"containerName": "app", **given["recommendation"]}]}, policy)
    pod = pod_of({"spec": {"containers": [{"name": "app", "resources": given.get("container") or {}}]}})
    found = cap_for_pod(sized(pod), rules, ranges_from(given.get("containerLimitRange"), None))
    bounds = found.recommendation["app"]
    assert bounds.target == amounts_of(wanted["target"])
    for ours, theirs in (("lower", "lowerBound"), ("upper", "upperBound")):
        assert getattr(bounds, ours) == amounts_of(wanted.get(theirs) or {})
    assert set(found.notes["app"]) == set(wanted.get("annotations") or wanted["annotationsContain"])


def by_the_recommender(case: vectors.Case) -> None:
    """What goes into the status is capped by the policy, and by the recommender's own maximum where that says nothing."""
    given, wanted = case.input, recommendation_from(case.expected["Expected"])
    policy = vpa_of({"spec": {"resourcePolicy": given["ResourcePolicy"] or {}}})
    terms = terms_of(policy, Defaults(max_allowed=amounts_of(given["GlobalMaxAllowed"] or {}))).of("foo")
    for one in recommendation_from(given["PodRecommendation"]).values():
        lists = [[[getattr(one, field)[each] for each in RESOURCES] for field in ("target", "lower", "upper")]]
        said = sizing.Rules(
            np.array([terms.controlled]),
            np.array([terms.min_allowed]),
            np.array([terms.max_allowed]),
            np.array([terms.whole_cores]),
        )
        [found] = sizing.sizes(np.array(lists), said, sizing.Rounding())
        assert {"foo": sizing.bounds(found, np.array(terms.controlled))} == wanted


PLAYERS = {
    "capping": capping,
    "capping_limit_range": limit_ranges,
    "capping_and_admission_patch": everything,
}


@pytest.mark.parametrize("case", vectors.cases(*PLAYERS))
def test_upstreams_answer_is_ours(case: vectors.Case) -> None:
    PLAYERS[case.kind](case)


# -- ours ------------------------------------------------------------------------------------------------------

APP = sized(pod_of({"spec": {"containers": [{"name": "app", "resources": {"requests": {"cpu": "100m"}}}]}}))


def test_nothing_fits_while_nothing_is_recommended() -> None:
    assert cap_for_pod(APP, Rules(recommendation=None)) == Capped()


def test_a_container_that_the_pod_does_not_have_is_left_out() -> None:
    assert cap_for_pod(APP, Rules(recommendation={"gone": Bounds({"cpu": 1})})).recommendation == {}


def test_what_nobody_controls_is_not_given_a_share_of_a_pods_range() -> None:
    """Upstream requests no cpu at all for such a container."""
    rules = Rules(recommendation={"app": Bounds({"memory": 2**30})}, others=ContainerRules(controlled=("memory",)))
    pod = pod_of(
        {"spec": {"containers": [{"name": "app", "resources": {"limits": {"cpu": "4"}, "requests": {"cpu": "4"}}}]}}
    )
    found = cap_for_pod(sized(pod), rules, Ranges(pod=Item(maximum={"cpu": 1000})))
    assert found.recommendation["app"].target == {"memory": 2**30}


def limit_range(name: str, **item: Any) -> LimitRange:
    return msgspec.convert(
        {"metadata": {"name": name}, "spec": {"limits": [{"type": "Container", **item}]}}, LimitRange
    )


def test_limit_ranges_that_contradict_each_other_are_named() -> None:
    found = ranges_of([limit_range("a", min={"cpu": "2"}), limit_range("b", max={"cpu": "1"})])
    assert found.contradiction == (
        "the LimitRanges of the namespace contradict each other: a container needs at least 2 of cpu and may have 1 at most"
    )
    assert ranges_of([limit_range("a", min={"cpu": "1"}), limit_range("b", max={"cpu": "1"})]).contradiction == ""


def test_a_namespace_without_limit_ranges_bounds_nothing() -> None:
    assert ranges_of([]) == Ranges()
