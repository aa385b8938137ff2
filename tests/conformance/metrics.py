"""external.metrics.k8s.io and custom.metrics.k8s.io as a test says, behind APIServices over the loopback."""

import base64
import datetime as dt
from collections import Counter
from typing import Any, Self

from aiohttp import web

from tests.conformance.client import Client, path
from tests.controlplane.cluster import service_host, service_name, service_to_loopback
from tests.controlplane.loopback import Loopback

Object = dict[str, Any]

EXTERNAL = ("external.metrics.k8s.io", "v1beta1")
CUSTOM = ("custom.metrics.k8s.io", "v1beta2")


class Metrics:
    """Values by namespace and name; a metric that is not said does not exist."""

    def __init__(self) -> None:
        self.external: dict[tuple[str, str], list[str] | int] = {}
        """Values of external metrics, or the status code to answer with."""
        self.pods: dict[tuple[str, str], dict[str, str]] = {}
        """Values of custom metrics of pods, by the pod's name."""
        self.objects: dict[tuple[str, str, str], str] = {}
        """Values of custom metrics of objects: by namespace, ``resource/name`` and metric."""
        self.asked: Counter[tuple[str, str]] = Counter()
        """How often each external metric was asked for, by namespace and name."""
        self.seen: list[Object] = []
        """Path, query and the headers of the front proxy of every request."""
        self._loopback = Loopback(self._app(), service_host(EXTERNAL[0]), service_host(CUSTOM[0]))

    def __enter__(self) -> Self:
        self._loopback.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._loopback.__exit__()

    async def register(self, client: Client) -> None:
        """Let the server forward both groups here."""
        for group, version in (EXTERNAL, CUSTOM):
            await register(client, group, version, self._loopback)

    async def withdraw(self, client: Client) -> None:
        for group, version in (EXTERNAL, CUSTOM):
            await withdraw(client, group, version)

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[self._note])
        for group, version in (EXTERNAL, CUSTOM):
            app.router.add_get(f"/apis/{group}/{version}", _discovery)
        root = "/apis/" + "/".join(EXTERNAL)
        app.router.add_get(f"{root}/namespaces/{{namespace}}/{{metric}}", self._external)
        root = "/apis/" + "/".join(CUSTOM)
        app.router.add_get(f"{root}/namespaces/{{namespace}}/pods/*/{{metric}}", self._pods)
        app.router.add_get(f"{root}/namespaces/{{namespace}}/{{resource}}/{{name}}/{{metric}}", self._object)
        return app

    @web.middleware
    async def _note(self, request: web.Request, handler: Any) -> web.StreamResponse:
        headers = request.headers
        remote = {"user": headers.get("X-Remote-User"), "groups": headers.getall("X-Remote-Group", [])}
        self.seen.append({"path": request.path, "query": dict(request.query), **remote})
        return await handler(request)

    async def _external(self, request: web.Request) -> web.Response:
        namespace, metric = request.match_info["namespace"], request.match_info["metric"]
        self.asked[namespace, metric] += 1
        values = self.external.get((namespace, metric), 404)
        if isinstance(values, int):
            return _refusal(values, f"no metric {metric}")
        items = [
            {"metricName": metric, "metricLabels": None, "timestamp": _now(), "value": value} for value in values
        ]
        return _list("ExternalMetricValueList", EXTERNAL, items)

    async def _pods(self, request: web.Request) -> web.Response:
        namespace, metric = request.match_info["namespace"], request.match_info["metric"]
        values = self.pods.get((namespace, metric))
        if values is None:
            return _refusal(404, f"no metric {metric}")
        items = [_custom("Pod", namespace, name, metric, value) for name, value in values.items()]
        return _list("MetricValueList", CUSTOM, items)

    async def _object(self, request: web.Request) -> web.Response:
        found = request.match_info
        place = f"{found['resource']}/{found['name']}"
        value = self.objects.get((found["namespace"], place, found["metric"]))
        if value is None:
            return _refusal(404, f"no metric {found['metric']} of {place}")
        item = _custom("Service", found["namespace"], found["name"], found["metric"], value)
        return _list("MetricValueList", CUSTOM, [item])


async def register(client: Client, group: str, version: str, loopback: Loopback) -> None:
    """An APIService that leads to this loopback, available."""
    (
        await client.create(
            path("services", "default"), service_to_loopback(service_name(group), "default", loopback.port)
        )
    ).ok()
    body = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": f"{version}.{group}"},
        "spec": {
            "group": group,
            "version": version,
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "caBundle": base64.b64encode(loopback.authority.pem).decode(),
            "service": {"name": service_name(group), "namespace": "default", "port": loopback.port},
        },
    }
    (await client.create(path("apiservices"), body)).ok()
    await client.until(path("apiservices", name=f"{version}.{group}"), is_available)
    await client.until(f"/apis/{group}/{version}", lambda found: found["kind"] == "APIResourceList")


async def withdraw(client: Client, group: str, version: str) -> None:
    await client.delete(path("apiservices", name=f"{version}.{group}"))
    await client.delete(path("services", "default", service_name(group)))


def is_available(found: Object) -> bool:
    return ("Available", "True") in {(part["type"], part["status"]) for part in conditions(found)}


def conditions(found: Object) -> list[Object]:
    return found.get("status", {}).get("conditions") or []


def _now() -> str:
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _custom(kind: str, namespace: str, name: str, metric: str, value: str) -> Object:
    about = {"kind": kind, "namespace": namespace, "name": name, "apiVersion": "v1"}
    return {
        "describedObject": about,
        "metric": {"name": metric},
        "timestamp": _now(),
        "windowSeconds": 1,
        "value": value,
    }


def _list(kind: str, group: tuple[str, str], items: list[Object]) -> web.Response:
    return web.json_response({"kind": kind, "apiVersion": "/".join(group), "metadata": {}, "items": items})


def _refusal(code: int, message: str) -> web.Response:
    reason = {404: "NotFound", 503: "ServiceUnavailable"}.get(code, "InternalError")
    body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": reason}
    return web.json_response({**body, "message": message, "code": code}, status=code)


async def _discovery(request: web.Request) -> web.Response:
    group_version = request.path.removeprefix("/apis/")
    entry = {"name": "anything", "singularName": "", "namespaced": True, "kind": "MetricValueList", "verbs": ["get"]}
    body = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": [entry]}
    return web.json_response(body)
