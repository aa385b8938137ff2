"""Building and reading triggers in tests, in one line."""

from collections.abc import Mapping
from typing import Any

from scaler.api.scaledobject import TriggerSpec
from scaler.horizontal.readings import Failure, Reading
from scaler.triggers.built import BuiltTrigger, build
from scaler.triggers.connections import Connections
from scaler.triggers.contract import BuildContext

NOW = 1_767_600_000.0


def entry(type_: str, metadata: Mapping[str, str], **more: Any) -> TriggerSpec:
    return TriggerSpec(type=type_, metadata=dict(metadata), **more)


def built(
    type_: str, metadata: Mapping[str, str], *, metric_type: str = "", index: int = 0, **context: Any
) -> BuiltTrigger:
    """A trigger of shop/cart, whether it could be built or not."""
    context.setdefault("namespace", "shop")
    context.setdefault("name", "cart")
    return build(index, entry(type_, metadata, metric_type=metric_type), BuildContext(**context))


def good(type_: str, metadata: Mapping[str, str], **more: Any) -> BuiltTrigger:
    """The same, and it could be built."""
    trigger = built(type_, metadata, **more)
    assert not trigger.problems, [str(problem) for problem in trigger.problems]
    return trigger


def said(trigger: BuiltTrigger) -> list[str]:
    """The problems in words, without the path of the one trigger."""
    return [str(problem).removeprefix("spec.triggers[0].") for problem in trigger.problems]


async def reading(io: Connections, type_: str, metadata: Mapping[str, str], **more: Any) -> Reading:
    """What a good trigger with one metric shows."""
    (shown,) = await good(type_, metadata, **more).read(io, NOW)
    assert isinstance(shown, Reading), shown
    return shown


async def failure(io: Connections, type_: str, metadata: Mapping[str, str], **more: Any) -> str:
    """Why a good trigger with one metric could not be read."""
    (shown,) = await good(type_, metadata, **more).read(io, NOW)
    assert isinstance(shown, Failure), shown
    return shown.why
