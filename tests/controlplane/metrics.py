"""metrics.k8s.io with the usage that a test says: what the HPA controller and recommenders ask for.

It lists the pods of the API server and answers for those that run and whose usage is known. It runs on a
thread of its own, so a test may block while the API server asks here.
"""

import asyncio
import datetime as dt
import time
from collections.abc import Callable, Mapping
from typing import Any, Self

from aiohttp import web

from scaler.sim.demand import Demand, Usage, is_ready
from tests.controlplane.cluster import Cluster, service_host
from tests.controlplane.loopback import Loopback

GROUP, VERSION = "metrics.k8s.io", "v1beta1"

PodUsage = Callable[[Mapping[str, Any]], Mapping[str, Usage] | Usage | None]
"""From a pod to the usage of each of its containers, or of all alike; None for a pod without metrics."""


class MetricsServer:
    """The metrics API of a cluster, from `with` to its end."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._rules: list[PodUsage] = []
        self._demands: list[_Shared] = []
        self._nodes: Usage = (1.0, float(1 << 30))
        self.taken_at: Callable[[], float] = time.time
        """When samples were taken (epoch seconds): a test may let weeks go by."""
        self.window = 1.0
        """Seconds they were taken over: a long one makes the HPA controller disregard younger pods."""
        self.requests = 0
        """How often someone asked for pods."""

    # What a test says. The latest rule that knows a pod wins.

    def pod(self, namespace: str, name: str, *, cpu: float = 0.0, memory: float = 0.0) -> None:
        """Each container of this pod uses so many cores and bytes."""
        self.rule(lambda pod: (cpu, memory) if _key(pod) == (namespace, name) else None)

    def selected(self, namespace: str, *, cpu: float = 0.0, memory: float = 0.0, **labels: str) -> None:
        """Each container of the pods with these labels: selected("ns", cpu=0.5, app="web")."""

        def usage(pod: Mapping[str, Any]) -> Usage | None:
            has = pod["metadata"].get("labels") or {}
            here = pod["metadata"]["namespace"] == namespace
            return (cpu, memory) if here and labels.items() <= has.items() else None

        self.rule(usage)

    def containers(self, namespace: str, name: str, usage: Mapping[str, Usage]) -> None:
        """The containers of one pod, each with (cores, bytes)."""
        self.rule(lambda pod: usage if _key(pod) == (namespace, name) else None)

    def everywhere(self, *, cpu: float, memory: float) -> None:
        self.rule(lambda _: (cpu, memory))

    def rule(self, usage: PodUsage) -> None:
        self._rules.append(usage)

    def shared(self, namespace: str, demand: Demand, **labels: str) -> None:
        """The ready pods with these labels share a demand: shared("ns", Demand(lambda now: 3.0), app="web")."""
        of_all = _Shared(namespace, labels, demand)
        self._demands.append(of_all)
        self.rule(of_all)

    def nodes(self, *, cpu: float, memory: float) -> None:
        self._nodes = (cpu, memory)

    def forget(self) -> None:
        """No pod has metrics."""
        self._rules.clear()
        self._demands.clear()

    # Serving.

    def __enter__(self) -> Self:
        self._served = Loopback(self._app(), service_host(GROUP)).__enter__()
        self._cluster.register_apiservice(GROUP, VERSION, self._served.port, self._served.authority.pem)
        return self

    def __exit__(self, *_: object) -> None:
        self._cluster.remove_apiservice(GROUP, VERSION)
        self._served.__exit__()

    def _app(self) -> web.Application:
        root = f"/apis/{GROUP}/{VERSION}"
        app = web.Application()
        app.router.add_get(root, self._discovery)
        app.router.add_get(f"{root}/pods", self._pods)
        app.router.add_get(f"{root}/namespaces/{{namespace}}/pods", self._pods)
        app.router.add_get(f"{root}/namespaces/{{namespace}}/pods/{{name}}", self._pod)
        app.router.add_get(f"{root}/nodes", self._node_list)
        return app

    async def _discovery(self, _: web.Request) -> web.Response:
        kinds = [("pods", True, "PodMetrics"), ("nodes", False, "NodeMetrics")]
        resources = [
            {"name": name, "singularName": "", "namespaced": inside, "kind": kind, "verbs": ["get", "list"]}
            for name, inside, kind in kinds
        ]
        return web.json_response(
            {
                "kind": "APIResourceList",
                "apiVersion": "v1",
                "groupVersion": f"{GROUP}/{VERSION}",
                "resources": resources,
            }
        )

    async def _pods(self, request: web.Request) -> web.Response:
        self.requests += 1
        namespace = request.match_info.get("namespace")
        path = f"/api/v1/namespaces/{namespace}/pods" if namespace else "/api/v1/pods"
        query = {name: request.query[name] for name in ("labelSelector", "fieldSelector") if name in request.query}
        pods = await asyncio.to_thread(self._cluster.api.get, path, **query)
        await self._count(namespace)
        items = [metrics for pod in pods["items"] if (metrics := self._of(pod))]
        return web.json_response({**_about("PodMetricsList"), "metadata": {}, "items": items})

    async def _pod(self, request: web.Request) -> web.Response:
        namespace, name = request.match_info["namespace"], request.match_info["name"]
        path = f"/api/v1/namespaces/{namespace}/pods/{name}"
        pod = await asyncio.to_thread(self._cluster.api.found, path)
        await self._count(namespace)
        metrics = pod and self._of(pod)
        if not metrics:
            message = f'podmetrics.metrics.k8s.io "{namespace}/{name}" not found'
            status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound"}
            return web.json_response({**status, "message": message, "code": 404}, status=404)
        return web.json_response({**_about("PodMetrics"), **metrics})

    async def _count(self, namespace: str | None) -> None:
        """How many pods share each demand now: also those that nobody asked for."""
        for place in {one.namespace for one in self._demands if namespace in {None, one.namespace}}:
            pods = await asyncio.to_thread(self._cluster.api.get, f"/api/v1/namespaces/{place}/pods")
            for shared in self._demands:
                if shared.namespace == place:
                    shared.replicas = sum(shared.knows(pod) and is_ready(pod) for pod in pods["items"])

    async def _node_list(self, _: web.Request) -> web.Response:
        nodes = await asyncio.to_thread(self._cluster.api.get, "/api/v1/nodes")
        items = [
            {"metadata": {"name": node["metadata"]["name"]}, **self._taken(), "usage": _quantities(self._nodes)}
            for node in nodes["items"]
        ]
        return web.json_response({**_about("NodeMetricsList"), "metadata": {}, "items": items})

    def _of(self, pod: Mapping[str, Any]) -> dict[str, Any] | None:
        """As the metrics server does: only pods that run, and under their labels."""
        if pod["status"].get("phase") != "Running":
            return None
        usage = next((found for rule in reversed(self._rules) if (found := rule(pod)) is not None), None)
        if usage is None:
            return None
        about = pod["metadata"]
        names = [container["name"] for container in pod["spec"]["containers"]]
        of_each = dict.fromkeys(names, usage) if isinstance(usage, tuple) else usage
        return {
            "metadata": {key: about[key] for key in ("name", "namespace", "labels") if key in about},
            **self._taken(),
            "containers": [{"name": name, "usage": _quantities(used)} for name, used in of_each.items()],
        }

    def _taken(self) -> dict[str, str]:
        when = dt.datetime.fromtimestamp(self.taken_at(), dt.UTC)
        return {"timestamp": when.strftime("%Y-%m-%dT%H:%M:%SZ"), "window": f"{self.window:g}s"}


class _Shared:
    """A demand and the pods that share it, counted anew for each request."""

    def __init__(self, namespace: str, labels: Mapping[str, str], demand: Demand) -> None:
        self.namespace = namespace
        self.labels = labels
        self.demand = demand
        self.replicas = 0

    def knows(self, pod: Mapping[str, Any]) -> bool:
        has = pod["metadata"].get("labels") or {}
        return pod["metadata"]["namespace"] == self.namespace and self.labels.items() <= has.items()

    def __call__(self, pod: Mapping[str, Any]) -> Mapping[str, Usage] | None:
        return self.demand.used(pod, self.replicas, time.time()) if self.knows(pod) else None


def _key(pod: Mapping[str, Any]) -> tuple[str, str]:
    return pod["metadata"]["namespace"], pod["metadata"]["name"]


def _about(kind: str) -> dict[str, str]:
    return {"kind": kind, "apiVersion": f"{GROUP}/{VERSION}"}


def _quantities(usage: Usage) -> dict[str, str]:
    cores, size = usage
    return {
        "cpu": cores if isinstance(cores, str) else f"{round(cores * 1e9)}n",
        "memory": size if isinstance(size, str) else f"{round(size / 1024)}Ki",
    }
