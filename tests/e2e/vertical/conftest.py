"""Usage that a test says, and a place to play in: a namespace with a workload and its VerticalPodAutoscaler."""

import time
from collections.abc import Iterator, Mapping
from typing import Any, Self

import pytest

from scaler.clock import to_rfc3339, to_rfc3339_micro
from scaler.vertical.quantities import millicores, whole_bytes
from tests.controlplane.api import Object, Refused
from tests.controlplane.metrics import MetricsServer
from tests.controlplane.plane import ControlPlane
from tests.e2e.installation import NAMESPACE, Installation
from tests.processes import wait_until
from tests.webhook.conftest import CONFIGURATIONS, Webhook

VPAS = "/apis/autoscaling.k8s.io/v1/namespaces/{}/verticalpodautoscalers"
CHECKPOINTS = "/apis/autoscaling.k8s.io/v1/namespaces/{}/verticalpodautoscalercheckpoints"
MIB = 1024 * 1024
QUICK = ("--recommender-interval=200ms", "--checkpoint-interval=200ms", "--kube-api-qps=0")


class History:
    """Time that goes on by a minute with each reading of the usage, from `start` on, until `minutes` have passed."""

    def __init__(self, server: MetricsServer) -> None:
        self._server = server
        self.start = float(int(time.time()) - 6 * 3600)
        self.minutes = 0
        self._from = server.requests
        server.taken_at = self.now

    def now(self) -> float:
        return self.start + 60 * min(max(0, self._server.requests - self._from - 1), self.minutes)

    def goes_on(self, minutes: int) -> None:
        """So many minutes more; return when they have been read."""
        before = self.minutes
        self._from = self._server.requests - before
        self.minutes = before + minutes
        wait_until(lambda: self.now() >= self.start + 60 * self.minutes, f"{minutes} readings of the usage", 60)


class Place:
    """One scenario's namespace."""

    def __init__(self, plane: ControlPlane, usage: MetricsServer, installation: Installation) -> None:
        self.plane = plane
        self.api = plane.api
        self.usage = usage
        self.installation = installation
        self.namespace = plane.new_namespace("sized")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for vpa in self.api.get(VPAS.format(self.namespace))["items"]:
            self.api.delete(f"{VPAS.format(self.namespace)}/{vpa['metadata']['name']}")
        self.api.delete(f"/api/v1/namespaces/{self.namespace}")

    def deployment(
        self,
        name: str = "web",
        replicas: int = 1,
        *,
        containers: Mapping[str, Mapping[str, str]] | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> str:
        """A Deployment whose pods run; the containers by name with their requests."""
        labels = {"app": name}
        made = [
            {"name": container, "image": "none", "resources": {"requests": dict(requests)}}
            for container, requests in (containers or {"app": {"cpu": "50m", "memory": "300Mi"}}).items()
        ]
        template = {
            "metadata": {"labels": labels, "annotations": dict(annotations or {})},
            "spec": {"containers": made},
        }
        self.api.create(
            f"/apis/apps/v1/namespaces/{self.namespace}/deployments",
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": name},
                "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
            },
        )
        wait_until(lambda: len(self.running(name)) == replicas, f"{replicas} pods of {name} to run", 60)
        return name

    def running(self, app: str) -> list[Object]:
        pods = self.api.get(f"/api/v1/namespaces/{self.namespace}/pods", labelSelector=f"app={app}")["items"]
        return [pod for pod in pods if pod["status"].get("phase") == "Running"]

    def vpa(
        self,
        name: str = "web",
        *,
        target: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
        mode: str = "Off",
        **spec: Any,
    ) -> str:
        """A VerticalPodAutoscaler over the Deployment of its own name unless `target` says otherwise."""
        reference = target or {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
        self.api.create(
            VPAS.format(self.namespace),
            {
                "apiVersion": "autoscaling.k8s.io/v1",
                "kind": "VerticalPodAutoscaler",
                "metadata": {"name": name, "annotations": dict(annotations or {})},
                "spec": {"targetRef": dict(reference), "updatePolicy": {"updateMode": mode}, **spec},
            },
        )
        return name

    def status(self, name: str = "web") -> Object:
        found: Object = self.api.get(f"{VPAS.format(self.namespace)}/{name}").get("status") or {}
        return found

    def condition(self, type_: str, name: str = "web") -> Object:
        found = [one for one in self.status(name).get("conditions", ()) if one["type"] == type_]
        return found[0] if found else {}

    def until_condition(self, type_: str, status: str, name: str = "web", *words: str) -> Object:
        def holds() -> bool:
            found = self.condition(type_, name)
            return found.get("status") == status and all(word in found.get("message", "") for word in words)

        wait_until(holds, f"{type_}={status} {words} of {name}; its status is {self.status(name)}", 40)
        return self.condition(type_, name)

    def recommended(self, name: str = "web", container: str = "app") -> dict[str, dict[str, int]]:
        """Millicores and bytes by bound; empty while there is none."""
        for one in (self.status(name).get("recommendation") or {}).get("containerRecommendations", ()):
            if one["containerName"] == container:
                return {
                    bound: {
                        resource: millicores(text) if resource == "cpu" else whole_bytes(text)
                        for resource, text in amounts.items()
                    }
                    for bound, amounts in one.items()
                    if bound != "containerName"
                }
        return {}

    def until_recommended(
        self, name: str = "web", container: str = "app", **target: int
    ) -> dict[str, dict[str, int]]:
        """Until it is there, and its target is this."""

        def there() -> bool:
            found = self.recommended(name, container)
            return bool(found) and target.items() <= found["target"].items()

        wait_until(there, f"a recommendation for {name} {target}; its status is {self.status(name)}", 40)
        return self.recommended(name, container)

    def checkpoint(self, name: str = "web-app") -> Object | None:
        return self.api.found(f"{CHECKPOINTS.format(self.namespace)}/{name}")

    def until_checkpoint(self, samples: int, name: str = "web-app") -> Object:
        """Until it holds so many samples."""

        def holds() -> bool:
            found = self.checkpoint(name)
            return bool(found) and found["status"].get("totalSamplesCount", 0) >= samples

        wait_until(holds, f"checkpoint {name} to hold {samples} samples", 40)
        found = self.checkpoint(name)
        assert found is not None
        return found

    def make_checkpoint(self, vpa: str, container: str, status: Mapping[str, Any], by: str = "tests") -> None:
        """As somebody of that name writes it."""
        self.api.call(
            "POST",
            CHECKPOINTS.format(self.namespace),
            {
                "apiVersion": "autoscaling.k8s.io/v1",
                "kind": "VerticalPodAutoscalerCheckpoint",
                "metadata": {"name": f"{vpa}-{container}"},
                "spec": {"vpaObjectName": vpa, "containerName": container},
                "status": {"lastUpdateTime": to_rfc3339(time.time() - 600), **status},
            },
            query={"fieldManager": by},
        )


@pytest.fixture(scope="session")
def usage(plane: ControlPlane) -> Iterator[MetricsServer]:
    with MetricsServer(plane) as server:
        yield server


@pytest.fixture(scope="module")
def bare(plane: ControlPlane, secure_port: int) -> Iterator[Installation]:
    """Nothing runs yet."""
    with Installation(plane, secure_port) as installed:
        yield installed


@pytest.fixture(scope="module")
def quick(bare: Installation) -> Installation:
    """A recommender with five rounds a second."""
    bare.recommender(*QUICK).wait_ready()
    return bare


@pytest.fixture
def place(plane: ControlPlane, usage: MetricsServer, quick: Installation) -> Iterator[Place]:
    usage.forget()
    usage.taken_at = time.time
    with Place(plane, usage, quick) as own:
        yield own


class Door:
    """The webhook, with the rights of its manifest; the API server calls it by URL, as it runs beside the cluster."""

    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane
        self._kubeconfig = plane.service_account_kubeconfig(NAMESPACE, "scaler-webhook")
        self.running: Webhook | None = None

    def open(self) -> None:
        """Start it, and wait until the API server calls it."""
        self.running = Webhook(self._plane, NAMESPACE, kubeconfig=self._kubeconfig)
        self.running.wait()

    def close(self) -> None:
        """SIGKILL, and no sign of life any more: the updater need not wait until its Lease has run out."""
        if self.running is not None:
            self.running.process.kill()
        long_ago = {"spec": {"renewTime": to_rfc3339_micro(time.time() - 600)}}
        self._plane.api.patch(STATUS_LEASE, long_ago)

    def leave(self) -> None:
        """End it, and take its registration along."""
        if self.running is not None:
            self.running.process.kill()
        for path in CONFIGURATIONS:
            if self._plane.api.found(path) is not None:
                self._plane.api.delete(path)


STATUS_LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/vpa-admission-controller"
MOVING = ("--updater-interval=300ms", "--kube-api-qps=0")


@pytest.fixture(scope="module")
def door(plane: ControlPlane) -> Iterator[Door]:
    door = Door(plane)
    door.open()
    yield door
    door.leave()


@pytest.fixture(scope="module")
def trio(quick: Installation, door: Door) -> Installation:
    """Recommender, webhook and updater, each with the rights of its manifest."""
    quick.updater(*MOVING).wait_ready()
    return quick


@pytest.fixture
def sized(plane: ControlPlane, usage: MetricsServer, trio: Installation) -> Iterator[Place]:
    """A place where pods are sized and moved."""
    usage.forget()
    usage.taken_at = time.time
    with Place(plane, usage, trio) as own:
        yield own


__all__ = ["Refused"]
