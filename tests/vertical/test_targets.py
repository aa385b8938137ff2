"""Up from a pod to its topmost controller, and from there to the one object that sizes it."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from scaler.api.selector import Selector, parse_selector
from scaler.api.verticalpodautoscaler import VerticalPodAutoscaler
from scaler.vertical.targets import Claim, Climb, Controller, Known, claim_of, climb, controlling, strongest
from tests.vertical import vectors

WEB, SET = Controller("Deployment", "web", "apps/v1"), Controller("ReplicaSet", "web-1", "apps/v1")


def test_the_way_up_says_what_it_has_to_know_next() -> None:
    known = dict[Controller, Known]()
    assert climb(SET, known.get) == Climb(ask=SET)
    known[SET] = Known(owner=WEB)
    assert climb(SET, known.get) == Climb(ask=WEB)
    known[WEB] = Known()
    assert climb(SET, known.get) == Climb(WEB)


def test_a_namesake_of_another_group_counts_only_when_it_scales() -> None:
    kruise = Controller("StatefulSet", "web", "apps.kruise.io/v1beta1")
    assert climb(kruise, {kruise: Known(scales=False)}.get) == Climb()
    assert climb(kruise, {kruise: Known(scales=True)}.get) == Climb(kruise)


def test_what_is_not_there_has_no_top_and_says_so() -> None:
    found = climb(SET, {SET: Known(owner=WEB), WEB: Known(there=False)}.get)
    assert found == Climb(problem="Deployment web does not exist")


def test_a_circle_of_owners_is_told_and_ends() -> None:
    found = climb(SET, {SET: Known(owner=WEB), WEB: Known(owner=SET)}.get)
    assert "owns itself" in found.problem


def test_the_oldest_counts_and_of_equals_the_first_by_name() -> None:
    claims = [Claim(5.0, "b", WEB), Claim(9.0, "a", WEB), Claim(5.0, "c", WEB)]
    assert strongest(claims) == claims[0]
    assert strongest(()) is None


def test_versions_of_the_target_do_not_matter() -> None:
    assert Claim(0.0, "a", Controller("Deployment", "web", "extensions/v1beta1")).covers(WEB, {})


# -- upstream's cases ------------------------------------------------------------------------------------------


def read(written: dict[str, Any]) -> VerticalPodAutoscaler:
    return msgspec.convert({"metadata": {}, "spec": {}, **written}, VerticalPodAutoscaler)


def chosen(text: str) -> Selector:
    return parse_selector(text)


def controller(written: dict[str, Any] | None) -> Controller | None:
    return None if written is None else Controller(written["kind"], written["name"], written.get("apiVersion", ""))


def play_topmost(case: vectors.Case) -> None:
    known = {
        controller(entry["of"]): Known(scales=entry.get("hasScale", True), owner=controller(entry.get("owner")))
        for entry in case.input["ownership"]
    }
    found = climb(controller(case.input["start"]), known.get)
    missing = found.ask is not None and found.ask.kind != "Node"  # what nobody owns to is not there
    assert (bool(found.problem) or missing) is case.expected["error"]
    assert found.topmost == controller(case.expected["topMost"])


def play_admission(case: vectors.Case) -> None:
    metadata = case.input["pod"]["metadata"]
    owner = next((one for one in metadata.get("ownerReferences", ()) if one["controller"]), None)
    vpas = [read(vpa) for vpa in case.input["vpas"]]
    claims = [claim_of(vpa, chosen(case.input["labelSelector"])) for vpa in vpas if vpa.spec.sizes_new_pods]
    found = controlling(claims, controller(owner), metadata["labels"])
    assert (found is not None) is case.expected["expectedFound"]
    assert (found.name if found else "") == case.expected["expectedVpaName"]


def play_pods(case: vectors.Case) -> None:
    """The recommender's view: a VPA of namespace-1 and the pods that its selector finds."""
    selector = chosen(case.input["vpaSelector"])
    found = [
        pod["id"]
        for pod in case.input["pods"]
        if pod["id"]["Namespace"] == "namespace-1" and selector.matches(pod["labels"])
    ]
    assert case.expected in ({"expectedPods": found}, {"expectedMatch": len(found)})


def play_one_pod(case: vectors.Case) -> None:
    vpa, pod = case.input["vpaWithSelector"], case.input["pod"]["metadata"]
    same = vpa["Vpa"]["metadata"]["namespace"] == pod["namespace"]
    assert (same and chosen(vpa["Selector"]).matches(pod["labels"])) is case.expected["result"]


def play_controlling(case: vectors.Case) -> None:
    claims = [
        Claim(vpa.get("creationUnix", 0), vpa["name"], controller(vpa.get("targetRef")), chosen(vpa["selector"]))
        for vpa in case.input["vpas"]
    ]
    found = controlling(claims, controller(case.input["podTopController"]), case.input.get("podLabels", {}))
    assert (found.name if found else None) == case.expected["controlling"]


TABLES: dict[str, Callable[[vectors.Case], None]] = {
    "TestGetMatchingVpa": play_admission,
    "TestGetActiveMatchingPods": play_pods,
    "TestVPAWithMatchingPods": play_pods,
    "TestPodMatchesVPA": play_one_pod,
    "TestGetControllingVPAForPod": play_controlling,
}
PLAYERS: dict[str, Callable[[vectors.Case], None]] = {
    "topmost_controller": play_topmost,
    "vpa_pod_matching": lambda case: TABLES[case.table](case),
}


@pytest.mark.parametrize("case", vectors.cases(*PLAYERS))
def test_upstreams_answer_is_ours(case: vectors.Case) -> None:
    PLAYERS[case.kind](case)
