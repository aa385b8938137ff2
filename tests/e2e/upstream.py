"""A KEDA beside us, as far as a takeover meets it: its Deployment, its HPAs, and a server of external metrics.

The server does what KEDA's adapter does: it believes the API server's front proxy, reviews everybody else's token and
asks whether he may, and answers only for the namespaces that the operator's Deployment is told to watch.
"""

import asyncio
from typing import Any, Self

from aiohttp import web

from tests.controlplane.api import Object
from tests.controlplane.cluster import service_to_loopback
from tests.controlplane.loopback import Loopback
from tests.controlplane.plane import ControlPlane

NAMESPACE, SERVICE = "keda", "keda-operator-metrics-apiserver"
GROUP = "/apis/external.metrics.k8s.io/v1beta1"
DEPLOYMENT = "/apis/apps/v1/namespaces/keda/deployments/keda-operator"
APISERVICE = "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.external.metrics.k8s.io"
VALUE = 4711
"""What it answers for metrics of a namespace that it watches, unless it was told another value."""

_OPERATOR = f"""
apiVersion: apps/v1
kind: Deployment
metadata:
  name: keda-operator
  namespace: {NAMESPACE}
  labels: {{app.kubernetes.io/name: keda-operator, app.kubernetes.io/version: 2.20.2}}
spec:
  replicas: 1
  selector: {{matchLabels: {{app: keda-operator}}}}
  template:
    metadata: {{labels: {{app: keda-operator}}}}
    spec:
      containers:
        - name: keda-operator
          image: ghcr.io/kedacore/keda:2.20.2
          command: [/keda]
          args: [--leader-elect, --zap-log-level=info, --enable-cert-rotation=true]
          env:
            - {{name: POD_NAMESPACE, valueFrom: {{fieldRef: {{fieldPath: metadata.namespace}}}}}}
            - {{name: WATCH_NAMESPACE, value: ""}}
            - {{name: KEDA_HTTP_DEFAULT_TIMEOUT, value: ""}}
"""


VPA = ("recommender", "updater", "admission-controller")


def vpa(part: str) -> Object:
    """One of VPA's Deployments, as its manifests have it: without arguments."""
    labels = {"app": f"vpa-{part}"}
    container = {"name": part, "image": f"registry.k8s.io/autoscaling/vpa-{part}:1.8.0"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"vpa-{part}", "namespace": "kube-system"},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


class Keda:
    """From `with` to its end."""

    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane
        self.askers: list[str] = []
        """Who asked, as it understood."""
        self.values: dict[str, int | None] = {}
        """By ScaledObject; None for an error."""
        app = web.Application()
        app.router.add_get(GROUP, self._discovery)
        app.router.add_get(GROUP + "/namespaces/{namespace}/{metric}", self._metric)
        self._server = Loopback(app, f"{SERVICE}.{NAMESPACE}.svc")

    def __enter__(self) -> Self:
        self._plane.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        self._plane.apply(_OPERATOR)
        self._server.__enter__()
        self._plane.apply(service_to_loopback(SERVICE, NAMESPACE, self._server.port))
        self._plane.register_apiservice(
            "external.metrics.k8s.io",
            "v1beta1",
            self._server.port,
            self._server.authority.pem,
            service=SERVICE,
            namespace=NAMESPACE,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()

    async def _discovery(self, _: web.Request) -> web.Response:
        kind = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": GROUP.removeprefix("/apis/")}
        return web.json_response({**kind, "resources": []})

    async def _metric(self, request: web.Request) -> web.Response:
        return await asyncio.to_thread(self._answer, request)

    def _answer(self, request: web.Request) -> web.Response:
        namespace, metric = request.match_info["namespace"], request.match_info["metric"]
        user = request.headers.get("X-Remote-User") or self._user(request.headers.get("Authorization", ""))
        self.askers.append(user)
        if not user:
            return _refusal(401, "Unauthorized")
        if not self._may(user, request.headers.getall("X-Remote-Group", []), namespace, metric):
            return _refusal(403, f"{user} may not")
        watched = self.watched()
        if watched and namespace not in watched:
            return _refusal(500, f"no scaled object in {namespace}")
        name = request.query["labelSelector"].partition("=")[2]
        value = self.values.get(name, VALUE)
        if value is None:
            return _refusal(500, "error getting metric from the scaler")
        item = {"metricName": metric, "metricLabels": None, "timestamp": "2026-01-01T00:00:00Z", "value": str(value)}
        kind = {"kind": "ExternalMetricValueList", "apiVersion": GROUP.removeprefix("/apis/"), "metadata": {}}
        return web.json_response({**kind, "items": [item]})

    def watched(self) -> list[str]:
        """By the Deployment as it is now."""
        (container,) = self._plane.api.get(DEPLOYMENT)["spec"]["template"]["spec"]["containers"]
        entry = next((one for one in container["env"] if one["name"] == "WATCH_NAMESPACE"), {})
        return [one for one in entry.get("value", "").split(",") if one]

    def _user(self, authorization: str) -> str:
        review = self._plane.api.create(
            "/apis/authentication.k8s.io/v1/tokenreviews",
            {
                "apiVersion": "authentication.k8s.io/v1",
                "kind": "TokenReview",
                "spec": {"token": authorization.removeprefix("Bearer ") or "none"},
            },
        )
        return str(review["status"].get("user", {}).get("username", ""))

    def _may(self, user: str, groups: list[str], namespace: str, metric: str) -> bool:
        review = self._plane.api.create(
            "/apis/authorization.k8s.io/v1/subjectaccessreviews",
            {
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SubjectAccessReview",
                "spec": {
                    "user": user,
                    "groups": groups,
                    "resourceAttributes": {
                        "verb": "list",
                        "group": "external.metrics.k8s.io",
                        "version": "v1beta1",
                        "resource": metric,
                        "namespace": namespace,
                    },
                },
            },
        )
        return bool(review["status"]["allowed"])


def hpa(scaled: Object, target: int) -> Object:
    """The HPA that KEDA makes for a ScaledObject of one metrics-api trigger."""
    name = scaled["metadata"]["name"]
    labels = {
        "app.kubernetes.io/name": f"keda-hpa-{name}",
        "app.kubernetes.io/version": "2.20.2",
        "app.kubernetes.io/part-of": name,
        "app.kubernetes.io/managed-by": "keda-operator",
        "scaledobject.keda.sh/name": name,
    }
    owner: dict[str, Any] = {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "name": name,
        "uid": scaled["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    metric = {"name": "s0-metric-api-value", "selector": {"matchLabels": {"scaledobject.keda.sh/name": name}}}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": f"keda-hpa-{name}", "labels": labels, "ownerReferences": [owner]},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": 1,
            "maxReplicas": 100,
            "metrics": [
                {
                    "type": "External",
                    "external": {
                        "metric": metric,
                        "target": {"type": "AverageValue", "averageValue": str(target)},
                    },
                }
            ],
        },
    }


def _refusal(status: int, message: str) -> web.Response:
    said = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": status}
    return web.json_response(said, status=status)
