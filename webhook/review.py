"""Admission reviews (admission.k8s.io/v1): what the API server asks, and how it is answered.

Read in two steps, the envelope here and the object by whoever judges it, so that nothing is decoded twice.
"""

import base64
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from scaler.api.meta import Kind
from scaler.errors import Problem

API_VERSION = "admission.k8s.io/v1"
LONGEST_WORDS = 3000
"""Characters of a refusal; whoever wrote a thousand mistakes mends these first."""

Operation = Literal["CREATE", "UPDATE", "DELETE", "CONNECT"]


class GroupVersionKind(Kind, frozen=True, gc=False):
    """A kind as a review names it."""

    group: str = ""
    version: str = ""
    kind: str = ""


class GroupVersionResource(Kind, frozen=True, gc=False):
    """A resource as a review names it."""

    group: str = ""
    version: str = ""
    resource: str = ""


class Request(Kind, frozen=True, gc=False):
    """What is asked."""

    uid: str
    resource: GroupVersionResource
    operation: Operation
    kind: GroupVersionKind = GroupVersionKind()
    sub_resource: str = ""
    name: str = ""
    namespace: str = ""
    dry_run: bool | None = None
    object: msgspec.Raw = msgspec.Raw()
    """Empty for a deletion."""
    old_object: msgspec.Raw = msgspec.Raw()
    """Empty for a creation."""


class Review(Kind, frozen=True, gc=False):
    """The envelope."""

    api_version: str = ""
    kind: str = ""
    request: Request | None = None


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What is said to it."""

    allowed: bool = True
    patch: Sequence[Any] = ()
    """Operations of a JSON patch."""
    message: str = ""
    """Why it is refused; of one that is allowed, why it was left as it is."""
    warnings: tuple[str, ...] = ()
    """What the user reads below the answer of the API server."""
    failed: bool = False
    """Something went wrong, so that nothing was judged."""


ALLOWED = Answer()


class _Status(Kind, frozen=True):
    message: str


class _Response(Kind, frozen=True):
    uid: str
    allowed: bool
    status: _Status | None = None
    patch: str | None = None
    patch_type: str | None = None
    warnings: tuple[str, ...] = ()
    audit_annotations: dict[str, str] | None = None


class _Answered(msgspec.Struct, frozen=True, rename="camel"):
    api_version: str
    kind: str
    response: _Response


_DECODER = msgspec.json.Decoder(Review)
_ENCODER = msgspec.json.Encoder()


class NotAReview(Exception):
    """What came is no review; carries what it should have been."""


def read(body: bytes) -> Request:
    """What a body asks; `NotAReview` for everything else."""
    try:
        review = _DECODER.decode(body)
    except msgspec.ValidationError as error:
        raise NotAReview(f"this is no AdmissionReview: {error}") from None
    except msgspec.DecodeError as error:  # cut off, or never JSON
        raise NotAReview(f"this is not JSON, or was cut off after {len(body)} bytes: {error}") from None
    if review.kind != "AdmissionReview" or review.api_version != API_VERSION:
        came = f"{review.kind or 'no kind'} of {review.api_version or 'no apiVersion'}"
        raise NotAReview(f"this is {came}: an AdmissionReview of {API_VERSION} is wanted")
    if review.request is None:
        raise NotAReview("this AdmissionReview has no request")
    return review.request


def write(uid: str, answer: Answer) -> bytes:
    """The body that answers the review of this uid."""
    patch = base64.b64encode(_ENCODER.encode(answer.patch)).decode() if answer.patch else None
    response = _Response(
        uid,
        answer.allowed,
        _Status(answer.message) if answer.message else None,
        patch,
        "JSONPatch" if patch else None,
        answer.warnings,
        {"unjudged": answer.message} if answer.failed else None,
    )
    return _ENCODER.encode(_Answered(API_VERSION, "AdmissionReview", response))


def refused(problems: Sequence[Problem], warnings: Sequence[Problem] = ()) -> Answer:
    """The answer to an object with these problems, all of them told."""
    words = "; ".join(map(str, problems))
    if len(words) > LONGEST_WORDS:
        words = f"{words[:LONGEST_WORDS]}... ({len(problems)} problems in all)"
    return Answer(allowed=False, message=words, warnings=told(warnings))


def accepted(warnings: Sequence[Problem] = (), patch: Sequence[Any] = ()) -> Answer:
    """The answer to an object that is right."""
    return Answer(patch=patch, warnings=told(warnings))


def told(problems: Sequence[Problem]) -> tuple[str, ...]:
    """Warnings as the API server passes them on; longer ones it would cut."""
    return tuple(str(problem)[:250] for problem in problems)
