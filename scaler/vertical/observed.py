"""What stands on pods in VPA's annotations: written at admission, read by the updater."""

import re
from collections.abc import Iterable, Sequence

import msgspec

from scaler.api.verticalpodautoscaler import OBSERVED_CONTAINERS, STARTUP_BOOST
from scaler.vertical.amounts import RESOURCES, Amounts
from scaler.vertical.pods import Quantities, Resources, Sized, SizedPod
from scaler.vertical.quantities import amounts_of, spelt

BOOST = f"{STARTUP_BOOST}/"
"""Followed by a container's name."""

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", re.ASCII)
_ORIGINAL = msgspec.json.Decoder(Resources)


def pointer(part: str) -> str:
    """One part of a JSON pointer, escaped."""
    return part.replace("~", "~0").replace("/", "~1")


def written_containers(names: Iterable[str]) -> str:
    """The annotation's value for these containers."""
    return ", ".join(names)


def read_containers(value: str) -> list[str]:
    """The containers that the annotation names; ValueError for what cannot be one's name."""
    if not value:
        return []
    names = value.split(", ")
    wrong = [name for name in names if not _NAME.fullmatch(name) or len(name) > 63]
    if wrong:
        raise ValueError(f"{wrong[0]!r} in the annotation {OBSERVED_CONTAINERS} is no container's name")
    return names


def observed_containers(pod: SizedPod) -> frozenset[str] | None:
    """The containers that are judged; None for all, also when the annotation cannot be read."""
    value = pod.annotations.get(OBSERVED_CONTAINERS)
    if value is None:
        return None
    try:
        return frozenset(read_containers(value))
    except ValueError:
        return None


def written_original(container: Sized) -> str:
    """A container's own resources as its boost remembers them."""
    has = {"requests": _written(container.requests), "limits": _written(container.limits)}
    return msgspec.json.encode(has).decode()


def read_original(pod: SizedPod, container: str) -> tuple[Amounts, Amounts] | None:
    """Requests and limits of a container without its boost; None for one that has none.

    ValueError when what stands there cannot be read.
    """
    value = pod.annotations.get(BOOST + container)
    if value is None:
        return None
    try:
        found = _ORIGINAL.decode(value)
    except msgspec.MsgspecError as error:
        raise ValueError(f"the annotation {BOOST}{container} cannot be read: {error}") from None
    return _read(found.requests), _read(found.limits)


def boosted_containers(pod: SizedPod) -> list[str]:
    """The containers that still have more cpu than they are to have in the long run."""
    annotations: Sequence[str] = tuple(pod.metadata.annotations or ())
    return [name.removeprefix(BOOST) for name in annotations if name.startswith(BOOST)]


def _written(amounts: Amounts) -> dict[str, str]:
    return {resource: spelt(resource, amounts[resource]) for resource in RESOURCES if resource in amounts}


def _read(quantities: Quantities | None) -> Amounts:
    return {} if quantities is None else amounts_of(msgspec.structs.asdict(quantities))
