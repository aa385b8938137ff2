"""What Prometheus answers, decoded."""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec
import numpy as np

from scaler.history.series import Array

Labels = Mapping[str, str]


class Sample(NamedTuple):
    """One value of an instant."""

    labels: Labels
    value: float


class Ranged(NamedTuple):
    """The values of one series over time."""

    labels: Labels
    times: Array
    """float64[n], epoch seconds, growing"""
    values: Array
    """float64[n]"""


class _Point(msgspec.Struct, frozen=True, array_like=True):
    at: float
    text: str


class _Series(msgspec.Struct, frozen=True):
    metric: dict[str, str] = {}
    value: _Point | None = None
    values: list[_Point] = []


class _Data(msgspec.Struct, frozen=True, rename="camel"):
    result_type: str = ""
    result: list[_Series] = []


class Answer(msgspec.Struct, frozen=True):
    """Of a query."""

    status: str
    data: _Data = _Data()
    warnings: list[str] = []

    @property
    def samples(self) -> list[Sample]:
        """Of an instant."""
        return [Sample(one.metric, float(one.value.text)) for one in self.data.result if one.value is not None]

    @property
    def ranged(self) -> list[Ranged]:
        """Over time."""
        return [Ranged(one.metric, *_columns(one.values)) for one in self.data.result]


class Listed(msgspec.Struct, frozen=True):
    """Label sets."""

    status: str
    data: list[dict[str, str]] = []


class Named(msgspec.Struct, frozen=True):
    """Values of a label."""

    status: str
    data: list[str] = []


class _Refusal(msgspec.Struct, frozen=True, rename="camel"):
    status: str = ""
    error_type: str = ""
    error: str = ""


def _columns(points: list[_Point]) -> tuple[Array, Array]:
    """NaN and +Inf are words there; Python reads both."""
    times = np.fromiter((point.at for point in points), np.float64, len(points))
    return times, np.fromiter((float(point.text) for point in points), np.float64, len(points))


def said(body: bytes) -> str:
    """The words of a refusal."""
    try:
        refusal = msgspec.json.decode(body, type=_Refusal)
    except msgspec.MsgspecError:
        return excerpt(body)
    return refusal.error or excerpt(body)


def excerpt(body: bytes) -> str:
    """The beginning of an answer, for a message."""
    text = " ".join(body[:400].decode(errors="replace").split())
    return f"{text[:120]} ..." if len(text) > 120 else text or "no words"
