"""What annotations ask of one object: pauses, forced activation, and our own choices.

It reads annotations and says nothing of what follows from them.
Source of the rules: upstream's annotations; a boolean that cannot be parsed counts as true, so that a typing
mistake pauses rather than scales.
"""

from typing import Literal

from scaler.api import scaledobject as so
from scaler.api.scaledobject import ScaledObject
from scaler.errors import Problem
from scaler.horizontal.readings import Policy

_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})
"""What Go's strconv.ParseBool reads as false."""
_INT32_MAX = 2**31 - 1
_NO_DATA: dict[str, Literal["upstream", "strict"]] = {"upstream": "upstream", "strict": "strict"}
_ACTIVATE_TO: dict[str, Literal["minimum", "demand"]] = {"minimum": "minimum", "demand": "demand"}


def paused(scaled: ScaledObject) -> bool:
    """Paused in both directions: the HPA goes, nothing is polled."""
    annotations = scaled.metadata.annotations
    return so.PAUSED_REPLICAS in annotations or _is_on(annotations, so.PAUSED)


def paused_replicas(scaled: ScaledObject) -> int | Problem | None:
    """The replicas to hold while paused; a Problem when the annotation is no such number, None without it."""
    text = scaled.metadata.annotations.get(so.PAUSED_REPLICAS)
    if text is None:
        return None
    if text.isascii() and text.isdigit() and int(text) <= _INT32_MAX:
        return int(text)
    message = f'"{text}" is no number of replicas: write a whole number such as "2", or remove the annotation'
    return Problem(f"metadata.annotations[{so.PAUSED_REPLICAS}]", message, text)


def scale_in_paused(scaled: ScaledObject) -> bool:
    """Nothing may take replicas away."""
    return _is_on(scaled.metadata.annotations, so.PAUSED_SCALE_IN)


def scale_out_paused(scaled: ScaledObject) -> bool:
    """Nothing may add replicas."""
    return _is_on(scaled.metadata.annotations, so.PAUSED_SCALE_OUT)


def forced_active(scaled: ScaledObject) -> bool:
    """Taken for active at every check, whatever the triggers say."""
    return _is_on(scaled.metadata.annotations, so.FORCE_ACTIVATION)


def no_data(scaled: ScaledObject, policy: Policy) -> Literal["upstream", "strict"]:
    """Which semantics of missing data are in force; the object's annotation beats the installation."""
    return _NO_DATA.get(scaled.metadata.annotations.get(so.NO_DATA, ""), policy.no_data)


def activate_to(scaled: ScaledObject, policy: Policy) -> Literal["minimum", "demand"]:
    """Where activation goes; the object's annotation beats the installation."""
    return _ACTIVATE_TO.get(scaled.metadata.annotations.get(so.ACTIVATE_TO, ""), policy.activate_to)


def _is_on(annotations: dict[str, str], name: str) -> bool:
    text = annotations.get(name)
    return text is not None and text not in _FALSE
