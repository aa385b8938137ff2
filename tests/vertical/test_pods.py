"""What a pod's containers have."""

from typing import Any

import pytest

from scaler.vertical.pods import container_amounts, qos_class, sized
from scaler.vertical.quantities import amounts_of
from tests.vertical import vectors
from tests.vertical.pod_side import pod_of


def effective_requests(case: vectors.Case) -> None:
    init = "initContainerName" in case.input
    name = case.input["initContainerName" if init else "containerName"]
    found = container_amounts(pod_of(case.input["pod"]), name, init=init)
    wanted = case.expected["wantRequests"], case.expected["wantLimits"]
    assert found == (None if wanted == (None, None) else tuple(map(amounts_of, wanted)))


PLAYERS = {"effective_requests": effective_requests}


@pytest.mark.parametrize("case", vectors.cases(*PLAYERS))
def test_upstreams_answer_is_ours(case: vectors.Case) -> None:
    PLAYERS[case.kind](case)


def container(name: str, requests: dict[str, str], limits: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"name": name, "resources": {"requests": requests, "limits": limits}, **more}


WITH_SIDECAR = pod_of(
    {
        "spec": {
            "containers": [container("app", {"cpu": "100m"}, {})],
            "initContainers": [
                container("migrate", {"cpu": "1"}, {}),
                container("proxy", {"memory": "64Mi"}, {}, restartPolicy="Always"),
            ],
        },
        "status": {
            "initContainerStatuses": [{"name": "proxy", "resources": {"requests": {"memory": "128Mi"}}}],
        },
    }
)


@pytest.mark.parametrize(
    ("which", "named"),
    [("none", ["app"]), ("sidecars", ["app", "proxy"]), ("all", ["app", "migrate", "proxy"])],
)
def test_init_containers_are_sized_when_asked_for(which: Any, named: list[str]) -> None:
    assert [one.name for one in sized(WITH_SIDECAR, which)] == named


def test_a_sidecar_stands_where_its_patch_must_go_and_has_what_the_kubelet_reports() -> None:
    proxy = sized(WITH_SIDECAR, "sidecars")[1]
    assert (proxy.path, proxy.role) == ("/spec/initContainers/1/resources", "sidecar")
    assert proxy.requests == {"memory": 128 * 2**20}


FULL = {"cpu": 1000, "memory": 2**30}


@pytest.mark.parametrize(
    ("containers", "expected"),
    [
        ([({}, {})], "BestEffort"),
        ([({"cpu": 0}, {})], "BestEffort"),
        ([(FULL, FULL)], "Guaranteed"),
        ([({}, FULL)], "Guaranteed"),  # a request that is missing is the limit
        ([(FULL, FULL), ({}, {})], "Burstable"),
        ([({"cpu": 500, "memory": 2**30}, FULL)], "Burstable"),
        ([({"cpu": 1000}, {"cpu": 1000})], "Burstable"),
    ],
)
def test_quality_of_service_is_kubernetes_own(containers: Any, expected: str) -> None:
    assert qos_class(containers) == expected
