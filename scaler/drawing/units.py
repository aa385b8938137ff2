"""Amounts as people read them: cores as Kubernetes writes them, bytes in binary steps, money, spans of time.

Rounded for the eye: what has to be exact is written by `scaler.quantity`.
"""

import math
from typing import Literal

Unit = Literal["cores", "bytes", "replicas", "money", "share", "seconds", "number"]

NOTHING = "\N{EN DASH}"
_BYTES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_SPANS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"))


def shown(value: float, unit: Unit, currency: str = "$") -> str:
    """An amount in about three digits; NaN is a dash, infinity says so."""
    if math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "unbounded" if value > 0 else "-unbounded"
    if value < 0:
        return f"-{shown(-value, unit, currency)}"
    return _positive(value, unit, currency)


def _positive(value: float, unit: Unit, currency: str) -> str:
    if unit == "cores":
        return _cores(value)
    if unit == "bytes":
        return _bytes(value)
    if unit == "money":
        return f"{currency}{_money(value)}"
    if unit == "share":
        return f"{digits(value * 100)} %"
    if unit == "seconds":
        return _seconds(value)
    return digits(value)


def _cores(value: float) -> str:
    if 0 < value < 0.0005:
        return "<1m"
    return f"{round(value * 1000)}m" if 0 < round(value * 1000) < 1000 else digits(value)


def _bytes(value: float) -> str:
    power = 0
    while power < len(_BYTES) - 1 and value >= 1023.5:
        value /= 1024
        power += 1
    return f"{digits(value)} {_BYTES[power]}"


def _money(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    if value >= 0.1 or value == 0:
        return f"{value:.0f}" if value == round(value) else f"{value:.2f}"
    return f"{value:.2g}"


def _seconds(value: float) -> str:
    size, name = next(((size, name) for size, name in _SPANS if value >= size), _SPANS[-1])
    return f"{digits(value / size)} {name}" if value else "0 s"


def digits(value: float) -> str:
    """Three digits that count and no exponent: 0.123, 1.5, 42, 1,234."""
    if value == 0:
        return "0"
    after = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{min(after, 9)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def counted(count: int, what: str) -> str:
    """``1 pod``, ``3 pods``."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"
