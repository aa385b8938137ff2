"""What the metrics of an autoscaler show now, asked of the metrics APIs as the HPA controller asks.

Source: the metrics clients of Kubernetes 1.36 (resource, custom and external), their paths and their words.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from scaler.clock import from_rfc3339
from scaler.quantity import milli_quantity
from scaler.sim.apiserver import requests, selectors
from scaler.sim.apiserver.aggregation import Reply
from scaler.sim.apiserver.callers import Identity
from scaler.sim.apiserver.server import ApiServer
from scaler.sim.autoscaling.calculations import Sample
from scaler.sim.autoscaling.sources import Reading, Samples, Silence, Totals

Object = dict[str, Any]

RESOURCE = ("metrics.k8s.io", "v1beta1")
EXTERNAL = ("external.metrics.k8s.io", "v1beta1")
CUSTOM = "custom.metrics.k8s.io"
CUSTOM_VERSIONS = ("v1beta2", "v1beta1")
WINDOW = 60.0
"""Seconds a custom metric is taken over when it does not say."""

CONTROLLER = Identity(
    "system:serviceaccount:kube-system:horizontal-pod-autoscaler",
    ("system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"),
)
GENERIC = {
    404: "the server could not find the requested resource",
    429: "the server has received too many requests and has asked us to try again later",
    503: "the server is currently unable to handle the request",
    504: "the server was unable to return a response in the time allotted, but may still be processing the request",
}


class Unanswered(Exception):
    """A metrics API gave no metrics; the text is the client's."""


class Readings:
    """Asks for one metric after the other."""

    def __init__(self, server: ApiServer) -> None:
        self.server = server
        self._ask: dict[str, Callable[[Object, str, str], Any]] = {
            "Resource": self._resource,
            "ContainerResource": self._container_resource,
            "Pods": self._pods,
            "Object": self._object,
            "External": self._external,
        }

    async def of(self, metric: Object, namespace: str, selector: str) -> Reading:
        """What one metric shows for the pods of that selector."""
        ask = self._ask.get(metric["type"])
        if ask is None:
            return Silence("")
        try:
            reading: Reading = await ask(metric, namespace, selector)
        except Unanswered as error:
            return Silence(str(error))
        return reading

    # -- resources ---------------------------------------------------------------------------------------------

    async def _resource(self, metric: Object, namespace: str, selector: str) -> Reading:
        name = metric["resource"]["name"]
        items = await self._pod_metrics(namespace, selector)
        return Samples({item["metadata"]["name"]: sample for item in items if (sample := _pod_sample(item, name))})

    async def _container_resource(self, metric: Object, namespace: str, selector: str) -> Reading:
        name, container = metric["containerResource"]["name"], metric["containerResource"]["container"]
        items = await self._pod_metrics(namespace, selector)
        only = [
            {**item, "containers": [part for part in item["containers"] if part["name"] == container]}
            for item in items
        ]
        return Samples({item["metadata"]["name"]: sample for item in only if (sample := _pod_sample(item, name))})

    async def _pod_metrics(self, namespace: str, selector: str) -> list[Object]:
        path = f"namespaces/{namespace}/pods"
        items = await self._items(RESOURCE, path, {"labelSelector": selector}, "pods", "resource")
        if not items:
            raise Unanswered("no metrics returned from resource metrics API")
        return items

    # -- custom and external -----------------------------------------------------------------------------------

    async def _pods(self, metric: Object, namespace: str, selector: str) -> Reading:
        about = metric["pods"]["metric"]
        path = f"namespaces/{namespace}/pods/*/{about['name']}"
        query = {"labelSelector": selector, **_selected(about, "metricLabelSelector")}
        items = await self._items(self._custom(), path, query, "pods", "custom")
        if not items:
            raise Unanswered("no metrics returned from custom metrics API")
        return Samples({item["describedObject"]["name"]: _custom_sample(item) for item in items})

    async def _object(self, metric: Object, namespace: str, _: str) -> Reading:
        source = metric["object"]
        about, target = source["metric"], source["describedObject"]
        path = f"namespaces/{namespace}/{self._plural(target)}/{target['name']}/{about['name']}"
        if target["kind"] == "Namespace":
            path = f"namespaces/{namespace}/metrics/{about['name']}"
        items = await self._items(self._custom(), path, _selected(about, "metricLabelSelector"), "objects", "custom")
        return Totals([milli_quantity(item["value"]) for item in items[:1]])

    async def _external(self, metric: Object, namespace: str, _: str) -> Reading:
        about = metric["external"]["metric"]
        path = f"namespaces/{namespace}/{about['name']}"
        items = await self._items(EXTERNAL, path, _selected(about, "labelSelector"), about["name"], "external")
        if not items:
            raise Unanswered("no metrics returned from external metrics API")
        return Totals([milli_quantity(item["value"]) for item in items])

    def _custom(self) -> tuple[str, str]:
        known = [version for version in CUSTOM_VERSIONS if self.server.discovery.knows(CUSTOM, version)]
        return CUSTOM, known[0] if known else CUSTOM_VERSIONS[0]

    def _plural(self, target: Object) -> str:
        served = self.server.registry.of_kind(target.get("apiVersion", "v1"), target["kind"])
        return served.resource.table if served else f"{target['kind'].lower()}s"

    # -- asking ------------------------------------------------------------------------------------------------

    async def _items(
        self, group: tuple[str, str], path: str, query: Mapping[str, str], name: str, api: str
    ) -> list[Object]:
        root = f"/apis/{group[0]}/{group[1]}/{path}"
        target = requests.target(root)
        assert target is not None
        reply = await self.server.fetch(
            target, root, {key: value for key, value in query.items() if value}, CONTROLLER
        )
        if reply.status >= 300:
            raise Unanswered(f"unable to fetch metrics from {api} metrics API: {_said(reply, name, group[0])}")
        try:
            items: list[Object] = msgspec.json.decode(reply.body)["items"] or []
        except (msgspec.DecodeError, KeyError, TypeError) as error:
            raise Unanswered(f"unable to fetch metrics from {api} metrics API: {error}") from error
        return items


def _selected(about: Object, name: str) -> dict[str, str]:
    return {name: selectors.as_text(about.get("selector") or {})}


def _pod_sample(item: Object, resource: str) -> Sample | None:
    """The sum over the containers; None when one of them has no such value."""
    amounts = [part["usage"].get(resource) for part in item["containers"]]
    if not amounts or None in amounts:
        return None
    window = float(str(item.get("window") or "0s").removesuffix("s") or 0)
    return Sample(sum(map(milli_quantity, amounts)), from_rfc3339(item["timestamp"]), window)


def _custom_sample(item: Object) -> Sample:
    return Sample(
        milli_quantity(item["value"]), from_rfc3339(item["timestamp"]), float(item.get("windowSeconds") or WINDOW)
    )


def _said(reply: Reply, name: str, group: str) -> str:
    """What the client makes of a refusal: the server's words when it sent a Status, else words for the code."""
    try:
        status = msgspec.json.decode(reply.body)
    except msgspec.DecodeError:
        status = None
    if isinstance(status, dict) and status.get("kind") == "Status" and status.get("message"):
        return str(status["message"])
    body = reply.body.decode(errors="replace").strip()
    generic = GENERIC.get(
        reply.status, f'an error on the server ("{body}") has prevented the request from succeeding'
    )
    return f"{generic} (get {name}.{group})"
