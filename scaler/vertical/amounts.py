"""Amounts of cpu and memory as whole numbers, and the recommendation made of them: what all of `vertical` exchanges.

cpu is in millicores, memory in bytes. A resource that is missing from a mapping is not controlled, or not known;
it is never zero.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

Resource = Literal["cpu", "memory"]
RESOURCES: tuple[Resource, ...] = ("cpu", "memory")

Amounts = Mapping[Resource, int]
"""By resource: millicores of cpu, bytes of memory."""


class Bounds(msgspec.Struct, frozen=True):
    """How big one container should be, and from where to where it may be left alone."""

    target: Amounts = {}
    """What to request."""
    lower: Amounts = {}
    """Below it the container has too little."""
    upper: Amounts = {}
    """Above it the container wastes."""
    uncapped: Amounts = {}
    """The target before any policy or limit touched it."""


Recommendation = Mapping[str, Bounds]
"""By container name."""
