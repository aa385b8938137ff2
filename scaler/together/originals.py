"""What the user wrote of an HPA that we adopted: it stands on that HPA, beside each target what it took the place of.

An HPA shows what the user wishes if every target that is ours is read as the one he wrote there, and all else as it
is. So whatever he edits meanwhile is his new wish, and giving back needs no memory but the HPA.
"""

from collections.abc import Iterable, Mapping

import msgspec

from scaler.api.meta import Raw
from scaler.api.scaledobject import ADOPTED
from scaler.errors import Invalid, Problem
from scaler.horizontal.hpa import filled
from scaler.quantity import equal_quantities
from scaler.together.metrics import place_of

DISABLED = "Disabled"


class Target(msgspec.Struct, frozen=True):
    """One target of ours."""

    was: Raw
    """What the user wrote, as it stood."""
    wrote: str
    """The absolute value in its place, a quantity."""


class Held(msgspec.Struct, frozen=True, rename="camel"):
    """What the user said of scaling in, while we have turned it off."""

    select_policy: str
    given: bool
    """Whether he gave any behaviour."""


class Originals(msgspec.Struct, frozen=True, omit_defaults=True):
    """What stands in the annotation."""

    targets: Mapping[str, Target] = {}
    """By `Metric.key`."""
    held: Held | None = None


def read(annotation: str | None) -> Originals:
    """From the annotation's value; Invalid for one that somebody broke."""
    if not annotation:
        return Originals()
    try:
        return msgspec.json.decode(annotation, type=Originals)
    except msgspec.MsgspecError as error:
        message = (
            f"was changed by somebody ({error}), so it is not known what stood in the HPA before: write its spec anew"
            " and remove this annotation"
        )
        raise Invalid([Problem(f"metadata.annotations[{ADOPTED}]", message, annotation)]) from error


def readable(annotation: str | None) -> Originals:
    """The same, for those who only look: one that somebody broke says nothing."""
    try:
        return read(annotation)
    except Invalid:
        return Originals()


def written(originals: Originals) -> str:
    """The annotation's value."""
    return msgspec.json.encode(originals, order="deterministic").decode()


def taken(wish: Raw, averages: Mapping[str, str], *, hold: bool) -> Originals:
    """What is to be kept of a spec before these targets, and an end of scaling in, are put in."""
    targets = {}
    for metric in wish.get("metrics") or []:
        field, key = place_of(metric)
        if key in averages:
            targets[key] = Target(metric[field]["target"], averages[key])
    behavior = wish.get("behavior")
    policy = ((behavior or {}).get("scaleDown") or {}).get("selectPolicy") or "Max"
    held = Held(policy, behavior is not None) if hold and policy != DISABLED else None
    return Originals(targets, held)


def wished(spec: Raw, originals: Originals) -> Raw:
    """The spec as its user wants it."""
    found = dict(spec)
    if spec.get("metrics"):
        found["metrics"] = wished_metrics(spec["metrics"], originals)
    behavior = _wished_behavior(spec.get("behavior"), originals.held)
    found.pop("behavior", None)
    return found if behavior is None else {**found, "behavior": behavior}


def wished_metrics(metrics: Iterable[Raw], originals: Originals) -> list[Raw]:
    """His own targets in the place of ours."""
    return [_wished(metric, originals.targets) for metric in metrics]


def _wished(metric: Raw, targets: Mapping[str, Target]) -> Raw:
    field, key = place_of(metric)
    target = targets.get(key)
    if target is None or not _is(metric[field].get("target") or {}, target.wrote):
        return metric
    return {**metric, field: {**metric[field], "target": target.was}}


def _is(target: Raw, wrote: str) -> bool:
    value = target.get("averageValue")
    try:
        return value is not None and equal_quantities(value, wrote)
    except ValueError:
        return False


def _wished_behavior(behavior: Raw | None, held: Held | None) -> Raw | None:
    down = (behavior or {}).get("scaleDown") or {}
    if behavior is None or held is None or down.get("selectPolicy") != DISABLED:
        return behavior
    restored = {**behavior, "scaleDown": {**down, "selectPolicy": held.select_policy}}
    # The API server fills in a behaviour as soon as any is given; what only it added goes with ours.
    return restored if held.given or filled(restored) != filled({}) else None
