"""A recommendation as it stands in the status of a VerticalPodAutoscaler: amounts as upstream spells quantities."""

import functools
from collections.abc import Mapping
from typing import Final

from scaler.api.verticalpodautoscaler import ContainerRecommendation, PodRecommendation
from scaler.quantity import canonical, exact_quantity
from scaler.vertical.amounts import Amounts, Bounds, Recommendation

_BINARY: Final = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_HUMAN: Final = ((1 << 40, "Ti"), (1 << 30, "Gi"), (1 << 20, "Mi"), (1 << 10, "Ki"))


def written(
    recommendation: Recommendation, *, humanized: bool = False, most: Mapping[str, int] | None = None
) -> PodRecommendation:
    """The recommendation by container name.

    `humanized` writes memory with two decimals, but not beyond the bytes that `most` has for a container.
    """
    limits = most or {}
    return PodRecommendation(
        tuple(
            _container(name, found, humanized=humanized, most=limits.get(name, 0))
            for name, found in sorted(recommendation.items())
        )
    )


def _container(name: str, found: Bounds, *, humanized: bool, most: int) -> ContainerRecommendation:
    target, lower, upper = (
        quantities(amounts, humanized=humanized, most=most) for amounts in (found.target, found.lower, found.upper)
    )
    return ContainerRecommendation(
        container_name=name,
        target=target,
        lower_bound=lower,
        upper_bound=upper,
        uncapped_target=quantities(found.uncapped, humanized=humanized),
    )


def quantities(amounts: Amounts, *, humanized: bool = False, most: int = 0) -> dict[str, str | int | float]:
    """Amounts by resource as upstream spells them."""
    found: dict[str, str | int | float] = {}
    if "cpu" in amounts:
        found["cpu"] = cpu_quantity(amounts["cpu"])
    if "memory" in amounts:
        size = amounts["memory"]
        found["memory"] = _humanized_within(size, most) if humanized else memory_quantity(size)
    return found


@functools.lru_cache(maxsize=1 << 14)
def cpu_quantity(millicores: int) -> str:
    """Millicores as a decimal quantity: 126m, 1, 100G."""
    return canonical(f"{millicores}m")


@functools.lru_cache(maxsize=1 << 14)
def memory_quantity(size: int) -> str:
    """Bytes as a binary quantity: 380258472, 250Mi, 97656250000Ki; never a decimal suffix."""
    power = 0
    while size and size % 1024 == 0 and power < len(_BINARY) - 1:
        size //= 1024
        power += 1
    return f"{size}{_BINARY[power]}"


def humanized_quantity(size: int) -> str:
    """Bytes with two decimals in the largest unit that fits, as `--humanize-memory` writes them."""
    unit, suffix = next(((unit, suffix) for unit, suffix in _HUMAN if size >= unit), (1, ""))
    return f"{size / unit:.2f}{suffix}" if suffix else str(size)


def _humanized_within(size: int, most: int) -> str:
    text = humanized_quantity(size)
    return memory_quantity(most) if most and exact_quantity(text) > most else canonical(text)
