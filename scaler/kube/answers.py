"""What an API server answers: lists, and refusals turned into `ApiError`. It does no I/O."""

import functools
from collections.abc import Hashable
from typing import Any, Generic, TypeVar

import msgspec

from scaler.errors import ApiError

T = TypeVar("T")

UNREACHABLE = "Unreachable"
"""The reason of an `ApiError` for a call that got no answer; its status is 0."""


class Ack(msgspec.Struct, frozen=True):
    """An answer whose content nobody needs."""


class ListMeta(msgspec.Struct, frozen=True, rename="camel"):
    """The metadata of a list."""

    resource_version: str = ""
    continue_: str = msgspec.field(default="", name="continue")
    """Where the next page begins; empty on the last."""


class Page(msgspec.Struct, Generic[T], frozen=True):
    """One page of a list."""

    metadata: ListMeta = ListMeta()
    items: list[T] | None = None


class Listing(msgspec.Struct, Generic[T], frozen=True):
    """A whole list, as it was at one moment."""

    items: list[T]
    resource_version: str
    """Where a watch would go on from here."""


class NoAnswer(ApiError):
    """The call got no answer; `sent` is False when it certainly never reached the server."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(0, UNREACHABLE, message)
        self.sent = sent


class _Cause(msgspec.Struct):
    reason: str = ""


class _StatusDetails(msgspec.Struct, rename="camel"):
    retry_after_seconds: float = 0
    causes: tuple[_Cause, ...] = ()


class _Status(msgspec.Struct):
    kind: str = ""
    code: int = 0
    reason: str = ""
    message: str = ""
    details: _StatusDetails | None = None


@functools.cache
def decoder(kind: Hashable) -> "msgspec.json.Decoder[Any]":
    """One decoder a type; making them is the dear part."""
    made: Any = kind  # mypy finds no hash on type[T]
    return msgspec.json.Decoder(made)


def refusal(status: int, body: bytes, retry_after: str | None = None, phrase: str = "") -> ApiError:
    """The error that an answer of this HTTP status stands for, in the server's own words where it has any."""
    said = _said(body)
    seconds = _seconds(retry_after)
    if seconds is None and said.details and said.details.retry_after_seconds:
        seconds = said.details.retry_after_seconds
    return ApiError(
        said.code or status,
        said.reason or phrase or "Unknown",
        said.message or body[:500].decode("utf-8", "replace").strip() or "the server gave no message",
        seconds,
        tuple(cause.reason for cause in said.details.causes) if said.details else (),
    )


def _said(body: bytes) -> _Status:
    try:
        status: _Status = decoder(_Status).decode(body)
    except msgspec.MsgspecError:  # a proxy's HTML, or plain text of the aggregation layer
        return _Status()
    return status if status.kind == "Status" else _Status()


def _seconds(header: str | None) -> float | None:
    try:
        return float(header) if header else None
    except ValueError:  # an HTTP date, which API servers do not send
        return None
