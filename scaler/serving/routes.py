"""Which question a URL of the aggregated API asks, and the answers that never change (discovery, OpenAPI).

Pure: text in, values out. What a metric's value is, is the business of `scaler.serving.external_metrics`, why a
workload has its replicas that of `scaler.serving.explanations`.
"""

import re
from urllib.parse import parse_qs, unquote

import msgspec

from scaler.api.scaledobject import NAME_LABEL
from scaler.kube.resources import EXPLANATIONS
from scaler.serving.explanations import KIND as EXPLANATION
from scaler.serving.explanations import SINGULAR, AskedObject
from scaler.serving.external_metrics import GROUP, VERSION, Asked
from scaler.serving.listener import refusal, response
from scaler.serving.reviews import Attributes, Questions, questions_of

ROOT = f"/apis/{GROUP}/{VERSION}"
EXPLAINED = f"/apis/{EXPLANATIONS.api_version}"
_EXPLANATION = re.compile(rf"{re.escape(EXPLAINED)}/namespaces/([^/]+)/{EXPLANATIONS.plural}/([^/]+)/?")
_METRIC = re.compile(rf"{re.escape(ROOT)}/namespaces/([^/]+)/([^/]+)/?")
_SELECTED = re.compile(
    rf"(?:^|,)\s*{re.escape(NAME_LABEL)}\s*(?:==?\s*([^,\s()]+)|in\s*\(\s*([^,\s()]+)\s*\))\s*(?=,|$)"
)
_KNOWN_AT_ONCE = 32_768
"""URLs kept parsed: every HPA asks the same few again and again."""


class Route(msgspec.Struct, frozen=True):
    """What a URL asks for."""

    questions: Questions
    """Which permission it takes."""
    asked: Asked | None = None
    explained: AskedObject | None = None
    answer: bytes = b""
    """The response, where it is always the same."""
    aggregated: bytes = b""
    """The response for who accepts aggregated discovery."""


class Routes:
    """URLs, understood once."""

    def __init__(self) -> None:
        self._known: dict[str, Route] = {}

    def find(self, target: str) -> Route:
        """What this path and query ask for; also what is not here has a permission and an answer (404)."""
        route = self._known.get(target)
        if route is None:
            if len(self._known) >= _KNOWN_AT_ONCE:
                self._known.clear()
            route = self._known[target] = _route(target)
        return route


def selected_object(selector: str) -> str:
    """The ScaledObject that a label selector names exactly; empty when it names none."""
    found = _SELECTED.search(selector)
    return (found[1] or found[2]) if found else ""


def _route(target: str) -> Route:
    path, _, query = target.partition("?")
    metric = _METRIC.fullmatch(path)
    if metric is None:
        explanation = _EXPLANATION.fullmatch(path)
        if explanation is None:
            return _fixed(path)
        about = AskedObject(unquote(explanation[1]), unquote(explanation[2]))
        return Route((about.right,), explained=about)
    namespace, name = unquote(metric[1]), unquote(metric[2])
    # a GET without an object's name is a "list", to the API server as well
    attributes = Attributes("list", "", GROUP, VERSION, name, namespace)
    questions = questions_of(attributes)
    selector = parse_qs(query).get("labelSelector", [""])[0]
    scaled_object = selected_object(selector)
    if not scaled_object:
        message = f"which ScaledObject? labelSelector={selector!r} should say {NAME_LABEL}=NAME"
        return Route(questions, answer=refusal(400, "BadRequest", message))
    return Route(questions, Asked(namespace, name, scaled_object))


def _fixed(path: str) -> Route:
    path = path.rstrip("/") or "/"
    questions = questions_of(Attributes("get", path))
    document = _DOCUMENTS.get(path)
    if document is None:
        return Route(questions, answer=refusal(404, "NotFound", f"there is nothing at {path}"))
    aggregated = response(200, _json(_AGGREGATED), AGGREGATED_TYPE) if path == "/apis" else b""
    return Route(questions, answer=response(200, _json(document)), aggregated=aggregated)


_json = msgspec.json.encode

_KIND = "ExternalMetricValueList"
_METRICS = {"name": "externalmetrics", "singularName": "", "namespaced": True, "kind": _KIND, "verbs": ["get"]}
"""One name for all metrics, as upstream: a list of every metric there is would be stale at once."""
_EXPLAINS = {
    "name": EXPLANATIONS.plural,
    "singularName": SINGULAR,
    "namespaced": True,
    "kind": EXPLANATION,
    "verbs": ["get"],
}


def _group(group: str, version: str) -> dict[str, object]:
    served = {"groupVersion": f"{group}/{version}", "version": version}
    return {"name": group, "versions": [served], "preferredVersion": served}


def _resources(group: str, version: str, resource: dict[str, object]) -> dict[str, object]:
    of = f"{group}/{version}"
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": of, "resources": [resource]}


_SERVED: tuple[tuple[str, str, dict[str, object]], ...] = (
    (GROUP, VERSION, _METRICS),
    (EXPLANATIONS.group, EXPLANATIONS.version, _EXPLAINS),
)
_ALWAYS = ("/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz")
_DOCUMENTS: dict[str, dict[str, object]] = {
    "/": {"paths": ["/apis", *(f"/apis/{group}" for group, *_ in _SERVED), ROOT, EXPLAINED, *_ALWAYS]},
    "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(group, of) for group, of, _ in _SERVED]},
    **{f"/apis/{group}": {"kind": "APIGroup", "apiVersion": "v1", **_group(group, of)} for group, of, _ in _SERVED},
    **{f"/apis/{group}/{of}": _resources(group, of, resource) for group, of, resource in _SERVED},
    "/openapi/v2": {"swagger": "2.0", "info": {"title": GROUP, "version": VERSION}, "paths": {}, "definitions": {}},
    "/openapi/v3": {"paths": {}},
}

AGGREGATED_TYPE = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


def _discovered(group: str, version: str, resource: dict[str, object]) -> dict[str, object]:
    """One group in the aggregated form, by which API servers ask first."""
    found = {
        "resource": resource["name"],
        "responseKind": {"group": group, "version": version, "kind": resource["kind"]},
        "scope": "Namespaced",
        "singularResource": resource["singularName"],
        "verbs": resource["verbs"],
    }
    served = {"version": version, "freshness": "Current", "resources": [found]}
    return {"metadata": {"name": group, "creationTimestamp": None}, "versions": [served]}


_AGGREGATED = {
    "kind": "APIGroupDiscoveryList",
    "apiVersion": "apidiscovery.k8s.io/v2",
    "metadata": {},
    "items": [_discovered(*served) for served in _SERVED],
}
