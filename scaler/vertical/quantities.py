"""Quantities of pods as whole numbers, and whole numbers as short quantities.

Kubernetes counts fractions up: half a millicore is one, half a byte is one. Reading is remembered, since the same few
texts come back with every pod of a workload.
"""

import functools
from collections.abc import Mapping

from scaler.quantity import exact_quantity
from scaler.vertical.amounts import RESOURCES, Resource

LARGEST = 2**63 - 1
"""What a quantity can count to (int64)."""

_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL = ("", "k", "M", "G", "T", "P", "E")


@functools.lru_cache(maxsize=1 << 16)
def millicores(text: str | float) -> int:
    """Thousandths of a core, rounded up; ValueError names what is no quantity."""
    exact = exact_quantity(text) * 1000
    return -(-exact.numerator // exact.denominator)


@functools.lru_cache(maxsize=1 << 16)
def whole_bytes(text: str | float) -> int:
    """Bytes, rounded up; ValueError names what is no quantity."""
    exact = exact_quantity(text)
    return -(-exact.numerator // exact.denominator)


def amount_of(resource: Resource, text: str | float) -> int:
    """Millicores of cpu or bytes of memory."""
    return millicores(text) if resource == "cpu" else whole_bytes(text)


def amounts_of(quantities: Mapping[str, str | float | None]) -> dict[Resource, int]:
    """The cpu and memory of a resource list; what is None or of another resource is left out."""
    found: dict[Resource, int] = {}
    for resource in RESOURCES:
        text = quantities.get(resource)
        if text is not None:
            found[resource] = amount_of(resource, text)
    return found


@functools.lru_cache(maxsize=1 << 14)
def spelt(resource: Resource, amount: int) -> str:
    """The shortest canonical quantity: 126m, 2, 250Mi, 1G, 380258472."""
    if resource == "cpu":
        return f"{amount}m" if amount % 1000 else _shortened(amount // 1000, 1000, _DECIMAL)
    binary, decimal = _shortened(amount, 1024, _BINARY), _shortened(amount, 1000, _DECIMAL)
    return decimal if len(decimal) < len(binary) else binary


def _shortened(number: int, step: int, suffixes: tuple[str, ...]) -> str:
    power = 0
    while number and number % step == 0 and power < len(suffixes) - 1:
        number //= step
        power += 1
    return f"{number}{suffixes[power]}"
