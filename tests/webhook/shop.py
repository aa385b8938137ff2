"""A namespace in which workloads and VerticalPodAutoscalers are made, and the pods that come of them looked at."""

import itertools
from typing import Any

from tests.controlplane.cluster import Cluster
from tests.processes import wait_until

Object = dict[str, Any]

TARGET = {"cpu": "126m", "memory": "380258472"}
"""What upstream recommends to a container of 100m and 300Mi from its first sample on."""
_GROUPS = {"Job": "batch", "CronJob": "batch"}
_numbers = itertools.count(1)


def container(name: str = "main", requests: Any = None, limits: Any = None, **more: Any) -> Object:
    resources = {key: value for key, value in (("requests", requests), ("limits", limits)) if value}
    return {"name": name, "image": "none", **({"resources": resources} if resources else {}), **more}


def workload(*containers: Object, kind: str = "StatefulSet", init: Any = (), replicas: int = 0) -> Object:
    """By default of no pods, so that nothing is made before the test is ready for it."""
    labels = {"app": "web"}
    pod = {"containers": list(containers) or [container()], "initContainers": list(init)}
    spec: Object = {"replicas": replicas, "selector": {"matchLabels": labels}}
    spec["template"] = {"metadata": {"labels": labels}, "spec": pod}
    if kind == "StatefulSet":
        spec["serviceName"] = "web"
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "web"}, "spec": spec}


def job(name: str = "web") -> Object:
    template = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"restartPolicy": "Never", "containers": [container()]},
    }
    spec = {"template": template, "suspend": True}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec}


class Shop:
    """One namespace."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster, self.namespace, self.api = cluster, namespace, cluster.api
        self._beacon: Object = {}

    def place(self, kind: str, group: str | None = None) -> str:
        """The collection of one kind."""
        if kind == "VerticalPodAutoscaler":
            return f"/apis/autoscaling.k8s.io/v1/namespaces/{self.namespace}/verticalpodautoscalers"
        if kind in {"Pod", "LimitRange"}:
            return f"/api/v1/namespaces/{self.namespace}/{kind.lower()}s"
        group = group or _GROUPS.get(kind, "apps")
        return f"/apis/{group}/v1/namespaces/{self.namespace}/{kind.lower()}s"

    def make(self, obj: Object) -> Object:
        made: Object = self.api.create(self.place(obj["kind"]), obj)
        return {**made, "kind": obj["kind"], "apiVersion": obj["apiVersion"]}

    def vpa(
        self,
        name: str = "web",
        *,
        target: Any = None,
        of: tuple[str, str] = ("StatefulSet", "web"),
        annotations: Any = None,
        **spec: Any,
    ) -> None:
        """One with a recommendation for every container that tests have."""
        body = {
            "apiVersion": "autoscaling.k8s.io/v1",
            "kind": "VerticalPodAutoscaler",
            "metadata": {"name": name, "annotations": annotations or {}},
            "spec": {"targetRef": {"kind": of[0], "name": of[1]}, **spec},
        }
        self.make(body)
        self.recommend(name, target or TARGET)

    def recommend(self, name: str, target: Any) -> None:
        named = [{"containerName": each, "target": target} for each in ("main", "proxy", "first")]
        status = {"recommendation": {"containerRecommendations": named}}
        self.api.patch(f"{self.place('VerticalPodAutoscaler')}/{name}/status", {"status": status})

    def settle(self) -> None:
        """Until the webhook has seen every object that was written before."""
        cpu = f"{next(_numbers)}m"
        if not self._beacon:
            beacon = workload()
            beacon["metadata"]["name"] = "beacon"
            self._beacon = self.make(beacon)
            self.vpa("beacon", of=("StatefulSet", "beacon"), target={"cpu": cpu})
        self.recommend("beacon", {"cpu": cpu})
        wait_until(
            lambda: resources(self.tried(self._beacon)).get("requests") == {"cpu": cpu}, "the webhook to have seen it"
        )

    def tried(self, owner: Object, *containers: Object, **spec: Any) -> Object:
        """A pod of this owner as it would come out, created for trial only."""
        reference = {
            **{key: owner["metadata"][key] for key in ("name", "uid")},
            **{key: owner[key] for key in ("apiVersion", "kind")},
            "controller": True,
        }
        metadata = {"generateName": "web-", "labels": {"app": "web"}, "ownerReferences": [reference]}
        body = {"metadata": metadata, "spec": {"containers": list(containers) or [container()], **spec}}
        made: Object = self.api.call("POST", self.place("Pod"), body, query={"dryRun": "All"})
        return made

    def pod(self, kind: str = "StatefulSet") -> Object:
        """The first pod of the workload web, which is scaled up for it."""
        self.api.patch(f"{self.place(kind)}/web", {"spec": {"replicas": 1}})
        return self.first_pod()

    def first_pod(self) -> Object:
        found: list[Object] = []

        def there() -> bool:
            found[:] = self.api.get(self.place("Pod"), labelSelector="app=web")["items"]
            return bool(found)

        wait_until(there, "the workload's pod")
        return found[0]


def resources(pod: Object, index: int = 0, among: str = "containers") -> Object:
    found: Object = pod["spec"][among][index].get("resources") or {}
    return found
