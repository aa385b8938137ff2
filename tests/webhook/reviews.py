"""Admission reviews as an API server sends them, and its reading of the answers."""

import base64
from typing import Any

import msgspec

from webhook.review import API_VERSION, Request, read

Object = dict[str, Any]
RESOURCES = {
    "Pod": ("", "v1", "pods"),
    "VerticalPodAutoscaler": ("autoscaling.k8s.io", "v1", "verticalpodautoscalers"),
    "ScaledObject": ("keda.sh", "v1alpha1", "scaledobjects"),
    "TriggerAuthentication": ("keda.sh", "v1alpha1", "triggerauthentications"),
    "ClusterTriggerAuthentication": ("keda.sh", "v1alpha1", "clustertriggerauthentications"),
    "ConfigMap": ("", "v1", "configmaps"),
}


def review(kind: str, new: Object | None, old: Object | None = None, **request: Any) -> bytes:
    """The body; the operation follows from what there is."""
    group, version, plural = RESOURCES[kind]
    there = new or old or {}
    operation = "DELETE" if new is None else "CREATE" if old is None else "UPDATE"
    asked = {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "kind": {"group": group, "version": version, "kind": kind},
        "resource": {"group": group, "version": version, "resource": plural},
        "requestKind": {"group": group, "version": version, "kind": kind},
        "requestResource": {"group": group, "version": version, "resource": plural},
        "name": (there.get("metadata") or {}).get("name", ""),
        "namespace": (there.get("metadata") or {}).get("namespace", "shop"),
        "operation": operation,
        "userInfo": {"username": "admin", "groups": ["system:masters"]},
        "object": new,
        "oldObject": old,
        "dryRun": False,
        "options": {"kind": f"{operation.title()}Options", "apiVersion": "meta.k8s.io/v1"},
        **request,
    }
    return msgspec.json.encode({"kind": "AdmissionReview", "apiVersion": API_VERSION, "request": asked})


def asked(kind: str, new: Object | None, old: Object | None = None, **request: Any) -> Request:
    """The same as a judge gets it."""
    return read(review(kind, new, old, **request))


def answer(body: bytes) -> Object:
    """The response in an answer's body."""
    found: Object = msgspec.json.decode(body)
    assert (found["kind"], found["apiVersion"]) == ("AdmissionReview", API_VERSION)
    response: Object = found["response"]
    return response


def patch(response: Object) -> list[Object]:
    """The operations of a response, none when it has no patch."""
    if "patch" not in response:
        return []
    assert response["patchType"] == "JSONPatch"
    found: list[Object] = msgspec.json.decode(base64.b64decode(response["patch"]))
    return found
