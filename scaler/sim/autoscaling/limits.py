"""From what metrics ask for to what may be done: bounds, rates, and the memory of recent recommendations.

Source: the normalisation of the HPA controller of Kubernetes 1.36, with and without ``spec.behavior``.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

UP_FACTOR, UP_LEAST = 2.0, 4.0
"""Without a behavior an autoscaler may at most double in one step, or reach four."""

WITHIN = ("DesiredWithinRange", "the desired count is within the acceptable range")
TOO_MANY = ("TooManyReplicas", "the desired replica count is more than the maximum replica count")
TOO_FEW = ("TooFewReplicas", "the desired replica count is less than the minimum replica count")
UP_LIMIT = ("ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate")
DOWN_LIMIT = ("ScaleDownLimit", "the desired replica count is decreasing faster than the maximum scale rate")
READY = ("ReadyForNewScale", "recommended size matches current size")
STABLE_DOWN = (
    "ScaleDownStabilized",
    "recent recommendations were higher than current one, applying the highest recent recommendation",
)
STABLE_UP = (
    "ScaleUpStabilized",
    "recent recommendations were lower than current one, applying the lowest recent recommendation",
)

Words = tuple[str, str]
"""Reason and message of a condition."""
Rules = Mapping[str, Any]
"""HPAScalingRules, defaults applied."""


class Moment(msgspec.Struct, frozen=True):
    """A number and when it was."""

    count: int
    at: float


class Memory(msgspec.Struct, frozen=True):
    """What one decision of an autoscaler hands to the next."""

    recommendations: tuple[Moment, ...] | None = None
    """None until the first decision."""
    ups: tuple[Moment, ...] = ()
    """Replicas added, and when."""
    downs: tuple[Moment, ...] = ()
    """Replicas removed, and when."""


class Wish(msgspec.Struct, frozen=True):
    """What metrics ask for, beside what is and what may be at all."""

    current: int
    desired: int
    least: int
    most: int


class Limited(msgspec.Struct, frozen=True):
    """What may be done, and the words for it."""

    replicas: int
    able: Words
    """Of the condition AbleToScale."""
    held: bool
    """Whether ScalingLimited is true."""
    limit: Words
    """Of the condition ScalingLimited."""
    memory: Memory


def simple(memory: Memory, wish: Wish, window: float, now: float) -> Limited:
    """Without a behavior: the highest recommendation of the window, then the bounds."""
    recent = memory.recommendations or ()
    stable = max([wish.desired, *(moment.count for moment in recent if moment.at >= now - window)])
    kept = _noted(recent, Moment(wish.desired, now), now - window)
    able = READY if stable == wish.desired else STABLE_DOWN
    replicas, limit = _bounded(msgspec.structs.replace(wish, desired=stable))
    return Limited(replicas, able, replicas != stable, limit, msgspec.structs.replace(memory, recommendations=kept))


def _bounded(wish: Wish) -> tuple[int, Words]:
    rate = int(max(UP_FACTOR * wish.current, UP_LEAST))
    ceiling, words = (rate, UP_LIMIT) if wish.most > rate else (wish.most, TOO_MANY)
    if wish.desired < wish.least:
        return wish.least, TOO_FEW
    return (ceiling, words) if wish.desired > ceiling else (wish.desired, WITHIN)


def behaved(memory: Memory, wish: Wish, rules: tuple[Rules, Rules], now: float) -> Limited:
    """With a behavior: stabilised both ways, then limited by its policies and the bounds. `rules` are up and down."""
    up, down = rules
    windows = (up["stabilizationWindowSeconds"], down["stabilizationWindowSeconds"])
    stable, kept = _stabilized(memory.recommendations or (), wish, windows, now)
    moved = STABLE_UP if wish.desired >= wish.current else STABLE_DOWN
    replicas, limit = _rated(memory, msgspec.structs.replace(wish, desired=stable), rules, now)
    remembered = msgspec.structs.replace(memory, recommendations=kept)
    return Limited(replicas, READY if stable == wish.desired else moved, replicas != stable, limit, remembered)


def _stabilized(
    recent: Sequence[Moment], wish: Wish, windows: tuple[float, float], now: float
) -> tuple[int, tuple[Moment, ...]]:
    up_since, down_since = now - windows[0], now - windows[1]
    lowest = min([wish.desired, *(moment.count for moment in recent if moment.at > up_since)])
    highest = max([wish.desired, *(moment.count for moment in recent if moment.at > down_since)])
    kept = _noted(recent, Moment(wish.desired, now), min(up_since, down_since))
    return min(max(wish.current, lowest), highest), kept


def _rated(memory: Memory, wish: Wish, rules: tuple[Rules, Rules], now: float) -> tuple[int, Words]:
    current, desired, least, most = wish.current, wish.desired, wish.least, wish.most
    if desired > current:
        limit = max(_furthest(memory, current, rules[0], now, sign=1), current)
        ceiling, words = (limit, UP_LIMIT) if most > limit else (most, TOO_MANY)
        return (ceiling, words) if desired > ceiling else (desired, WITHIN)
    if desired < current:
        limit = min(_furthest(memory, current, rules[1], now, sign=-1), current)
        floor, words = (limit, DOWN_LIMIT) if least < limit else (least, TOO_FEW)
        return (floor, words) if desired < floor else (desired, WITHIN)
    return desired, WITHIN


def _furthest(memory: Memory, current: int, rules: Rules, now: float, *, sign: int) -> int:
    """How far the policies let go in one direction: the furthest of them, the nearest, or nowhere."""
    choice = rules.get("selectPolicy", "Max")
    if choice == "Disabled":
        return current
    reached = [_reach(memory, current, policy, now, sign) for policy in rules.get("policies") or ()]
    widest = (choice == "Min") is (sign < 0)
    if not reached:
        return -(2**31) if widest else 2**31 - 1
    return max(reached) if widest else min(reached)


def _reach(memory: Memory, current: int, policy: Mapping[str, Any], now: float, sign: int) -> int:
    since = now - policy["periodSeconds"]
    start = current - _changed(memory.ups, since) + _changed(memory.downs, since)
    if policy["type"] == "Pods":
        return start + sign * int(policy["value"])
    if sign > 0:
        return math.ceil(start * (1.0 + int(policy["value"]) / 100))
    return int(start * (1.0 - int(policy["value"]) / 100))


def _changed(moments: Sequence[Moment], since: float) -> int:
    return sum(moment.count for moment in moments if moment.at > since)


def rescaled(memory: Memory, before: int, after: int, rules: tuple[Rules, Rules] | None, now: float) -> Memory:
    """Remember a change of replicas; without a behavior nobody asks for it later."""
    if rules is None:
        return memory
    if after > before:
        ups = _noted(memory.ups, Moment(after - before, now), now - _longest(rules[0]))
        return msgspec.structs.replace(memory, ups=ups)
    downs = _noted(memory.downs, Moment(before - after, now), now - _longest(rules[1]))
    return msgspec.structs.replace(memory, downs=downs)


def _longest(rules: Rules) -> int:
    return max((int(policy["periodSeconds"]) for policy in rules.get("policies") or ()), default=0)


def _noted(moments: Sequence[Moment], new: Moment, cutoff: float) -> tuple[Moment, ...]:
    """The new one in the place of the last that is too old, or at the end, so that memory stays small."""
    old = [index for index, moment in enumerate(moments) if moment.at < cutoff]
    kept = list(moments)
    if old:
        kept[old[-1]] = new
    else:
        kept.append(new)
    return tuple(kept)
