"""What pods are patched with, at creation and while they run."""

from typing import Any

import msgspec
import pytest

from scaler.vertical.amounts import Bounds
from scaler.vertical.limit_ranges import NO_RANGES, Item, Ranges
from scaler.vertical.observed import observed_containers, pointer, read_containers, written_containers
from scaler.vertical.pods import SizedPod, sized
from scaler.vertical.quantities import amounts_of
from scaler.vertical.resize import (
    Wanted,
    admit,
    boosts_taken_away,
    resize,
    set_resources,
    sizes_at_creation,
    wanted_sizes,
)
from scaler.vertical.rules import ContainerRules, Rules
from tests.vertical import vectors
from tests.vertical.pod_side import amount, expected_operations, operations, pod_of, ranges_from, rules_from


def patches(case: vectors.Case) -> None:
    {
        "TestCalculatePatches_ObservedContainers": observed_annotation,
        "TestCalculatePatches_ResourceUpdates": resource_updates,
        "TestGetAddResourceRequirementValuePatch": value_path,
        "TestGetAddAnnotationPatch": annotation_path,
        "TestGetRemoveAnnotationPatch": annotation_path,
        "TestGetVpaObservedContainersValue": observed_value,
        "TestParseVpaObservedContainersValue": observed_read,
    }[case.table](case)


def observed_annotation(case: vectors.Case) -> None:
    patch = admit(pod_of(case.input["pod"]), Rules()).patch
    assert operations(patch[-1:]) == expected_operations([case.expected["expectedPatch"]])


def resource_updates(case: vectors.Case) -> None:
    containers = sized(pod_of(case.input["pod"]))
    wanted = [
        Wanted(amounts_of(one["Requests"] or {}), amounts_of(one["Limits"] or {}))
        for one in case.input["recommendResources"]
    ]
    patch = sizes_at_creation(containers, wanted, Rules(name="name"))
    assert operations(patch) == expected_operations(case.expected["expectPatches"])


def value_path(case: vectors.Case) -> None:
    """Ours are never other resources; their names would be escaped by `pointer`."""
    given = case.input
    path = f"/spec/containers/{given['index']}/resources/{given['kind']}/{pointer(given['resource'])}"
    assert path == case.expected["expectedPath"]


def annotation_path(case: vectors.Case) -> None:
    assert f"/metadata/annotations/{pointer(case.input['annotationName'])}" == case.expected["expectedPath"]


def observed_value(case: vectors.Case) -> None:
    names = [container.name for container in sized(pod_of(case.input["pod"]))]
    assert written_containers(names) == case.expected["want"]


def observed_read(case: vectors.Case) -> None:
    if case.expected["wantErr"]:
        with pytest.raises(ValueError, match="is no container's name"):
            read_containers(case.input["annotation"])
        return
    assert read_containers(case.input["annotation"]) == case.expected["want"]


def resources(case: vectors.Case) -> None:
    (for_the_pod if case.table == "TestUpdateResourceRequests" else for_a_container)(case)


def for_the_pod(case: vectors.Case) -> None:
    given = case.input
    if given["limitRangeCalcErr"]:  # LimitRanges that cannot be read keep the caller from asking at all
        return
    containers = sized(pod_of(given["pod"]))
    [found] = wanted_sizes(containers, rules_from(given["vpa"]), ranges_from(given["limitRange"], None))
    same_sizes(found.requests, found.limits, case.expected, absent="0")
    if given["annotations"] is not None:
        assert set(found.notes) == set(given["annotations"]["container1"])


def for_a_container(case: vectors.Case) -> None:
    given = case.input
    pod = pod_of(
        {"spec": {"containers": [given["container"]]}, "status": {"containerStatuses": [given["containerStatus"]]}}
    )
    [container] = sized(pod)
    [found] = wanted_sizes([container], rules_from(given["vpa"]))
    requests, limits = found.requests, found.limits
    if given["addAll"]:
        requests, limits = {**container.requests, **requests}, {**container.limits, **limits}
    same_sizes(requests, limits, case.expected)


def same_sizes(requests: Any, limits: Any, expected: Any, absent: str | None = None) -> None:
    for resource, name in (("cpu", "CPU"), ("memory", "Mem")):
        request = expected[f"expected{name}"]
        assert requests.get(resource) == amount(resource, None if request == absent else request)
        assert limits.get(resource) == amount(resource, expected[f"expected{name}Limit"])


PLAYERS = {"admission_patch": patches, "admission_resources": resources}


@pytest.mark.parametrize("case", vectors.cases(*PLAYERS))
def test_upstreams_answer_is_ours(case: vectors.Case) -> None:
    PLAYERS[case.kind](case)


# -- ours ------------------------------------------------------------------------------------------------------

RECOMMENDED = {"app": Bounds({"cpu": 300, "memory": 2**30}), "proxy": Bounds({"cpu": 50})}
RULES = Rules(namespace="shop", name="web", recommendation=RECOMMENDED)


def pod(*containers: Any, init: Any = (), **metadata: Any) -> SizedPod:
    return pod_of({"metadata": metadata, "spec": {"containers": containers, "initContainers": init}})


def container(name: str = "app", requests: Any = None, limits: Any = None, **more: Any) -> dict[str, Any]:
    lists = {"requests": requests, "limits": limits}
    return {"name": name, "resources": {key: value for key, value in lists.items() if value is not None}, **more}


def values(patch: Any) -> dict[str, Any]:
    return {one.path: getattr(one, "value", "removed") for one in patch}


def test_a_new_pod_gets_its_sizes_and_says_so() -> None:
    found = admit(pod(container(requests={"cpu": "100m"}, limits={"cpu": "200m"})), RULES)
    assert values(found.patch) == {
        "/metadata/annotations": {},
        "/spec/containers/0/resources/requests/cpu": "300m",
        "/spec/containers/0/resources/requests/memory": "1Gi",
        "/spec/containers/0/resources/limits/cpu": "600m",
        "/metadata/annotations/vpaUpdates": "Pod resources updated by web: container 0: "
        "memory: limit NOT set since originalLimit is nil or 0, cpu request, memory request, cpu limit",
        "/metadata/annotations/vpaObservedContainers": "app",
    }


def test_a_patch_is_json_as_the_api_server_reads_it() -> None:
    found = admit(
        pod(container(requests={}, limits={"cpu": "1"}), annotations={}),
        msgspec.structs.replace(
            RULES, recommendation={"app": Bounds({"cpu": 300})}, others=ContainerRules(limits="no-cpu")
        ),
    )
    assert msgspec.json.decode(msgspec.json.encode(found.patch)) == [
        {"op": "add", "path": "/spec/containers/0/resources/requests/cpu", "value": "300m"},
        {"op": "remove", "path": "/spec/containers/0/resources/limits/cpu"},
        {
            "op": "add",
            "path": "/metadata/annotations/vpaUpdates",
            "value": "Pod resources updated by web: container 0: cpu request, cpu limit removed",
        },
        {"op": "add", "path": "/metadata/annotations/vpaObservedContainers", "value": "app"},
    ]


def test_a_sidecar_is_sized_when_asked_for() -> None:
    both = pod(container(), init=[container("proxy", {"cpu": "1"}, restartPolicy="Always")])
    found = values(admit(both, msgspec.structs.replace(RULES, init_containers="sidecars")).patch)
    assert found["/spec/initContainers/0/resources/requests/cpu"] == "50m"
    assert found["/metadata/annotations/vpaObservedContainers"] == "app, proxy"
    assert "init container 0: " in found["/metadata/annotations/vpaUpdates"]
    assert not any(path.startswith("/spec/init") for path in values(admit(both, RULES).patch))


def test_limit_ranges_that_contradict_each_other_leave_a_new_pod_as_it_is() -> None:
    found = admit(pod(container()), RULES, Ranges(Item({"cpu": 100}, {"cpu": 200})))
    assert found.patch == ()
    assert found.problem.startswith("the LimitRanges of the namespace contradict each other")


def test_in_mode_off_a_new_pod_keeps_its_sizes() -> None:
    found = admit(pod(container(requests={"cpu": "1"})), msgspec.structs.replace(RULES, mode="Off"))
    assert not any(path.startswith("/spec") for path in values(found.patch))


IN_PLACE = msgspec.structs.replace(RULES, mode="InPlaceOrRecreate")


def test_a_running_pod_is_patched_by_what_its_spec_has() -> None:
    """What the kubelet reports is where the ratio comes from; a list that the spec lacks must be made."""
    running = pod_of(
        {
            "spec": {"containers": [container()]},
            "status": {
                "containerStatuses": [
                    {"name": "app", "resources": {"requests": {"cpu": "100m"}, "limits": {"cpu": "500m"}}}
                ]
            },
        }
    )
    found = resize(running, IN_PLACE, NO_RANGES, 0.0)
    assert list(values(found.patch).items()) == [
        ("/spec/containers/0/resources", {}),
        ("/spec/containers/0/resources/requests", {}),
        ("/spec/containers/0/resources/requests/cpu", "300m"),
        ("/spec/containers/0/resources/requests/memory", "1Gi"),
        ("/spec/containers/0/resources/limits", {}),
        ("/spec/containers/0/resources/limits/cpu", "1500m"),
    ]


def test_a_resize_says_whether_it_would_change_the_quality_of_service() -> None:
    full = {"cpu": "1", "memory": "1Gi"}
    same = resize(pod(container(requests=full, limits=full)), IN_PLACE, NO_RANGES, 0.0)
    assert (same.before, same.after) == ("Guaranteed", "Guaranteed")
    less = resize(
        pod(container(requests=full, limits=full)),
        msgspec.structs.replace(IN_PLACE, others=ContainerRules(requests_only=True)),
        NO_RANGES,
        0.0,
    )
    assert (less.before, less.after) == ("Guaranteed", "Burstable")


def test_no_limit_is_taken_away_from_a_running_pod() -> None:
    rules = msgspec.structs.replace(IN_PLACE, others=ContainerRules(limits="no-cpu"))
    found = values(
        resize(pod(container(requests={"cpu": "100m"}, limits={"cpu": "200m"})), rules, NO_RANGES, 0.0).patch
    )
    assert found["/spec/containers/0/resources/limits/cpu"] == "300m"


def test_an_init_container_that_has_run_is_not_resized() -> None:
    rules = msgspec.structs.replace(IN_PLACE, init_containers="all")
    with_init = pod(container(), init=[container("proxy", {"cpu": "1"})])
    assert not any("initContainers" in path for path in values(resize(with_init, rules, NO_RANGES, 0.0).patch))


def test_after_a_resize_the_pod_says_so_and_its_boost_is_gone() -> None:
    found = boosts_taken_away(pod(container()), ["app"])
    assert values(found) == {
        "/metadata/annotations": {},
        "/metadata/annotations/vpaInPlaceUpdated": "true",
        "/metadata/annotations/vpaCpuStartupBoost~1app": "removed",
    }


def test_an_annotation_that_cannot_be_read_observes_every_container() -> None:
    assert observed_containers(pod(annotations={"vpaObservedContainers": "a, b;"})) is None
    assert observed_containers(pod(annotations={"vpaObservedContainers": "a, b"})) == {"a", "b"}
    assert observed_containers(pod()) is None


def test_a_container_without_resources_gets_the_lists_first() -> None:
    [bare] = sized(pod(container()))
    found = set_resources(bare, Wanted({"cpu": 1}), bare.has_requests, bare.has_limits)
    assert [one.path.rpartition("/")[2] for one in found] == ["resources", "requests", "cpu"]
