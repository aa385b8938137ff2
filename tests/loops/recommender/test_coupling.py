"""A round beside HPAs: what is judged together, what is left to them, and what it says on the VPA."""

from typing import Any

import msgspec

from scaler.actions import Action, PatchMetadata, WriteRecommendation
from scaler.api.verticalpodautoscaler import VerticalPodAutoscaler
from scaler.kube.connection import Connection
from scaler.loops.recommender.coupling import Couplings, SeenHpa
from scaler.together import setpoints, standing
from scaler.together.setpoints import SetPoint
from tests.loops.recommender.scene import Scene

DAY = 86400.0


def beside(scene: Scene) -> Couplings:
    couplings = Couplings(Connection("http://127.0.0.1:9"))
    scene.rounds._couplings = couplings
    return couplings


def hpa(
    couplings: Couplings, name: str = "keda-hpa-web", *, ours: bool, target: dict[str, Any], points: bool = True
) -> None:
    owner = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "name": "web", "uid": "u", "controller": True}
    annotations = {setpoints.ANNOTATION: setpoints.written({"cpu": SetPoint(50, 1000)})} if ours and points else {}
    meta = {"name": name, "namespace": "shop", "annotations": annotations, "ownerReferences": [owner] if ours else []}
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        "minReplicas": 2,
        "maxReplicas": 10,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
    }
    status = {"currentReplicas": 4, "desiredReplicas": 4}
    couplings.copy.replace(msgspec.convert({"metadata": meta, "spec": spec, "status": status}, SeenHpa))


ABSOLUTE = {"type": "AverageValue", "averageValue": "500m"}
PERCENT = {"type": "Utilization", "averageUtilization": 50}


def four_pods(scene: Scene, cpu: str = "500m") -> None:
    for number in range(4):
        requests = {"cpu": "1", "memory": "1Gi"}
        container = {"name": "app", "resources": {"requests": requests}}
        scene.pod(f"web-{number}")
        pod = scene.pods.copy.get("shop", f"web-{number}")
        assert pod is not None
        spec = msgspec.convert({"containers": [container]}, type(pod.spec))
        meta = msgspec.structs.replace(pod.metadata, resource_version=f"r{number}")
        scene.pods.copy.replace(msgspec.structs.replace(pod, metadata=meta, spec=spec))
        scene.source.usage["shop", f"web-{number}"] = {"app": (cpu, "500Mi")}  # type: ignore[index] # it is told


def status(actions: list[Action]) -> VerticalPodAutoscaler | Any:
    return next(action.status for action in reversed(actions) if isinstance(action, WriteRecommendation))


def target(actions: list[Action]) -> dict[str, Any]:
    return dict(status(actions).recommendation.container_recommendations[0].target)


def condition(actions: list[Action]) -> tuple[str, str]:
    found = next(one for one in status(actions).conditions if one.type == "Coupled")
    return found.status, found.reason


async def test_coupled_pods_keep_their_request_until_there_is_a_day_of_history() -> None:
    scene = Scene()
    hpa(beside(scene), ours=True, target=ABSOLUTE)
    scene.vpa()
    four_pods(scene)
    async with scene.running():
        actions = await scene.turn()
        assert target(actions)["cpu"] == "1"
        assert condition(actions) == ("True", "Coupled")
        text = next(one for one in actions if isinstance(one, PatchMetadata)).patch["annotations"][
            standing.ANNOTATION
        ]
        assert standing.read(text).scale_points == {"cpu": 500}


async def test_after_a_day_the_request_goes_to_its_band_and_replicas_may_not_fall() -> None:
    scene = Scene()
    couplings = beside(scene)
    hpa(couplings, ours=True, target=ABSOLUTE)
    scene.vpa()
    four_pods(scene)
    async with scene.running():
        found: list[Action] = []
        for _ in range(26 * 60):
            found += await scene.turn()
        assert 620 <= int(target(found)["cpu"].rstrip("m")) <= 690
        texts = {one.patch["annotations"][standing.ANNOTATION] for one in found if isinstance(one, PatchMetadata)}
        assert any(standing.read(text).rolling for text in texts)
        assert len(texts) < 10


async def test_a_users_hpa_keeps_cpu_and_memory_is_sized() -> None:
    scene = Scene()
    hpa(beside(scene), "web", ours=False, target=PERCENT)
    scene.vpa()
    four_pods(scene)
    async with scene.running():
        actions = await scene.turn()
        assert set(target(actions)) == {"memory"}
        assert condition(actions) == ("False", "LeftToHPA")
        assert "cpu" in status(actions).recommendation.container_recommendations[0].uncapped_target
        assert not any(isinstance(one, PatchMetadata) for one in actions)


async def test_until_the_hpa_carries_its_set_point_what_it_leans_on_is_not_sized() -> None:
    scene = Scene()
    hpa(beside(scene), ours=True, target=PERCENT, points=False)
    scene.vpa()
    four_pods(scene)
    async with scene.running():
        assert set(target(await scene.turn())) == {"memory"}


async def test_without_an_hpa_there_is_no_condition_and_vpas_own_rule() -> None:
    scene = Scene()
    beside(scene)
    scene.vpa()
    four_pods(scene)
    async with scene.running():
        actions = await scene.turn()
        assert "cpu" in target(actions)
        assert all(one.type != "Coupled" for one in status(actions).conditions)
