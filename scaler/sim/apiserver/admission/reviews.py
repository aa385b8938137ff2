"""AdmissionReviews: what a webhook is told, and how its answer is read. Values in, values out.

Source: admission.k8s.io/v1 of Kubernetes 1.36, and a kube-apiserver's words.
"""

import base64
import binascii
import uuid
from typing import Any

import msgspec

from scaler.sim.apiserver import patches, refusals
from scaler.sim.apiserver.admission.rules import Asked
from scaler.sim.apiserver.callers import Identity
from scaler.sim.apiserver.registry import Review

Object = dict[str, Any]

VERSION = "admission.k8s.io/v1"
OPTIONS = {"CREATE": "CreateOptions", "UPDATE": "UpdateOptions", "DELETE": "DeleteOptions"}


class Failure(Exception):
    """A webhook could not be asked, or its answer is none; its failure policy says what becomes of the write."""


def request(review: Review, asked: Asked, user: Identity, new: Object | None, old: Object | None) -> Object:
    """The AdmissionRequest; `asked` is the version that a rule names, `new` and `old` are spelled in it."""
    shown = new if new is not None else old
    assert shown is not None, "a review is of something"
    own = review.served
    group, _, version = shown["apiVersion"].rpartition("/")
    resource = {"group": asked.group, "version": asked.version, "resource": asked.resource}
    part = {"subResource": asked.subresource, "requestSubResource": asked.subresource} if asked.subresource else {}
    kind = {"group": group, "version": version, "kind": shown["kind"]}
    requested = kind if asked.subresource else {**kind, "group": own.group, "version": own.version.name}
    return {
        "uid": str(uuid.uuid4()),
        "kind": kind,
        "resource": resource,
        "requestKind": requested,
        "requestResource": {**resource, "group": own.group, "version": own.version.name},
        **part,
        **({"name": review.key[1]} if review.key[1] else {}),
        **({"namespace": review.key[0]} if review.key[0] else {}),
        "operation": review.operation,
        "userInfo": {"username": user.name, "groups": list(user.groups)},
        "object": new,
        "oldObject": old,
        "dryRun": review.options.dry_run,
        "options": {"kind": OPTIONS[review.operation], "apiVersion": "meta.k8s.io/v1"},
    }


class Answer(msgspec.Struct, frozen=True):
    """What a webhook said."""

    allowed: bool
    status: Object
    patch: bytes
    warnings: list[str]


def read(body: bytes, uid: str, *, may_patch: bool) -> Answer:
    """The answer to the request of that uid; `Failure` when it is none."""
    try:
        review = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise Failure(f"couldn't get version/kind; json parse error: {error}") from error
    review = review if isinstance(review, dict) else {}
    known = review.get("apiVersion"), review.get("kind")
    if known != (VERSION, "AdmissionReview"):
        raise Failure(
            f"expected webhook response of {VERSION}, Kind=AdmissionReview, got {known[0]}, Kind={known[1]}"
        )
    response = review.get("response")
    if not isinstance(response, dict):
        raise Failure("webhook response was absent")
    if response.get("uid") != uid:
        raise Failure(f'expected response.uid="{uid}", got "{response.get("uid", "")}"')
    patch = _patch(response) if may_patch else b""
    warnings = [str(one) for one in response.get("warnings") or ()]
    return Answer(bool(response.get("allowed")), response.get("status") or {}, patch, warnings)


def _patch(response: Object) -> bytes:
    patch, kind = response.get("patch"), response.get("patchType")
    if not patch and not kind:
        return b""
    if not patch:
        raise Failure("webhook returned response.patchType but not response.patch")
    if not kind:
        raise Failure("webhook returned response.patch but not response.patchType")
    if kind != "JSONPatch":
        raise Failure(f'webhook returned unsupported response.patchType "{kind}"')
    try:
        return base64.b64decode(patch, validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise Failure(f"response.patch is no base64: {error}") from error


def patched(obj: Object, patch: bytes) -> Object:
    """The object as the webhook wants it; `Failure` for a patch that is none, 500 for one that does not fit."""
    try:
        steps = msgspec.json.decode(patch)
    except msgspec.DecodeError as error:
        raise Failure(f"response.patch is no JSON: {error}") from error
    if not isinstance(steps, list):
        raise Failure(f"response.patch is a list of operations, not {type(steps).__name__}")
    try:
        changed = patches.json_patch(obj, steps)
    except refusals.Refusal as refusal:
        causes = refusal.status.get("details", {}).get("causes") or [{"message": str(refusal)}]
        raise refusals.internal_error(causes[0]["message"]) from refusal
    if not isinstance(changed, dict):
        raise refusals.internal_error("the patched object is no object any more")
    return changed


def denied(name: str, status: Object) -> refusals.Refusal:
    """A webhook's refusal, in its own words and with its own code."""
    said = f'admission webhook "{name}" denied the request'
    why = status.get("message") or status.get("reason")
    code = status.get("code") or 0
    message = f"{said}: {why}" if why else f"{said} without explanation"
    return refusals.Refusal(max(code, 400), status.get("reason", ""), message, status.get("details"))
