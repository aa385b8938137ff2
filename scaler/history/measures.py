"""What a number counts: cores, bytes or something else, from the words that a file or a person has for it."""

from collections.abc import Mapping

import msgspec
import numpy as np

from scaler.errors import Invalid, Problem
from scaler.history.series import Series
from scaler.quantity import parse_quantity

_CORES = {
    "core": 1.0, "cores": 1.0, "cpu": 1.0, "cpus": 1.0, "vcpu": 1.0, "vcpus": 1.0,
    "m": 1e-3, "millicore": 1e-3, "millicores": 1e-3, "mcores": 1e-3, "mcpu": 1e-3,
    "n": 1e-9, "nanocores": 1e-9,
}  # fmt: skip
_BYTES = {
    "b": 1.0, "byte": 1.0, "bytes": 1.0,
    **{f"{prefix}{tail}": float(1024**power) for power, prefix in enumerate("kmgtp", 1) for tail in ("i", "ib")},
    **{f"{prefix}{tail}": float(1000**power) for power, prefix in enumerate("kmgtp", 1) for tail in ("b",)},
    "kib": 1024.0,
}  # fmt: skip
_SHARES = {"%": 0.01, "percent": 0.01, "share": 1.0, "fraction": 1.0}

KNOWN = "cores, millicores, bytes, KiB, MiB, GiB, kB, MB, GB, % or share"
"""The units one may give."""
_MOST_CORES, _LEAST_BYTES = 2048.0, 1024.0 * 64
"""No container uses more cores; none that runs at all uses fewer bytes at its peak."""


class Measure(msgspec.Struct, frozen=True):
    """A unit."""

    resource: str
    """cpu, memory, or empty for a share of either."""
    factor: float
    """To cores, to bytes, or to a share of the capacity."""


def measure(unit: str) -> Measure | None:
    """What a unit says; None when it is none that we know. A remark after the first word is passed over."""
    word = unit.strip().lower().split(" ")[0].strip("()")
    if word in _SHARES or word.startswith("%"):
        return Measure("", _SHARES.get(word, 0.01))
    if word in _CORES:
        return Measure("cpu", _CORES[word])
    return Measure("memory", _BYTES[word]) if word in _BYTES else None


def resource(metric: str, unit: str) -> str:
    """``cpu`` or ``memory`` when the metric's name or its unit says so, else nothing."""
    name = metric.lower()
    if "mem" in name or "rss" in name.split("_"):
        return "memory"
    if "cpu" in name or "core" in name:
        return "cpu"
    found = measure(unit) if unit else None
    return found.resource if found else ""


def amounts(series: Series, metric: str, unit: str, given: Mapping[str, str], capacity: Mapping[str, str]) -> Series:
    """The series in cores or bytes.

    `given` (by metric) beats the recorded unit; `capacity` (cpu, memory) is what 100 % is. Raises Invalid where the
    unit is not known, says something else than the metric, or cannot be right.
    """
    said = given.get(metric, unit)
    counts = measure(said) if said else Measure(resource(metric, ""), 1.0)
    wanted = resource(metric, said)
    if counts is None:
        words = f"its unit {said!r} is none that I know; say what it counts: --unit {metric}=UNIT, UNIT being {KNOWN}"
        raise Invalid([Problem(metric, words)])
    if counts.resource and wanted and counts.resource != wanted:
        raise Invalid([Problem(metric, f"{said!r} does not measure {wanted}; say --unit {metric}=UNIT", said)])
    factor = counts.factor if counts.resource else counts.factor * _capacity(metric, wanted, said, capacity)
    converted = Series(series.times, series.values * factor)
    if metric not in given:
        _plausible(converted, metric, wanted, said)
    return converted


def _capacity(metric: str, wanted: str, said: str, capacity: Mapping[str, str]) -> float:
    size = capacity.get(wanted)
    if size is None:
        example = "cpu=16" if wanted == "cpu" else "memory=64Gi"
        words = f"is a share ({said}), and of what is not said; give what 100 % is: --capacity {example}"
        raise Invalid([Problem(metric, words)])
    return quantity("--capacity", wanted, size)


def quantity(flag: str, name: str, text: str) -> float:
    """An amount that a person wrote, in cores or bytes; Invalid names the flag."""
    try:
        amount = parse_quantity(text)
    except ValueError as wrong:
        raise Invalid([Problem(f"{flag} {name}={text}", str(wrong))]) from None
    if amount <= 0:
        raise Invalid([Problem(f"{flag} {name}={text}", "must be more than 0")])
    return amount


def _plausible(series: Series, metric: str, wanted: str, said: str) -> None:
    """Refuse what must be in another unit than it says, or was taken for."""
    known = series.values[~np.isnan(series.values)]
    peak = float(known.max(initial=0.0))
    taken = said or ("cores" if wanted == "cpu" else "bytes")
    if wanted == "cpu" and peak > _MOST_CORES:
        words = f"reaches {peak:,.0f} cores, which no container uses; is it in millicores? Say --unit {metric}=m"
    elif wanted == "memory" and 0 < peak < _LEAST_BYTES:
        words = (
            f"never exceeds {peak:,.5g} bytes, which nothing runs in; is it in MiB or GiB? Say --unit {metric}=MiB"
        )
    else:
        return
    raise Invalid([Problem(metric, f"{words} (or --unit {metric}={taken} if it is right)")])
