"""scalingModifiers: one composite metric from all external ones, by the user's formula.

It compiles and evaluates; the language itself is `scaler.horizontal.formula`. What a failed trigger means is
`answer`'s business.
"""

import functools
import math

from scaler.api.scaledobject import ScaledObject, ScaledObjectSpec, ScalingModifiers
from scaler.errors import Problem
from scaler.horizontal.formula import Formula, FormulaError, compile_formula
from scaler.horizontal.metric_names import COMPOSITE
from scaler.horizontal.readings import Composite, MetricSpec, Variable
from scaler.quantity import truncate_milli

RESOURCE_TYPES = frozenset({"cpu", "memory"})
"""Trigger types that the HPA reads itself; a formula does not see them."""

_AT = "spec.advanced.scalingModifiers"
_DRY_RUN = -1.0
"""What every variable is in the trial at validation, as upstream has it."""
_DRY_RUN_AT = 0.0
"""When that trial is, for a formula that asks for the time: any moment does."""


def names(spec: ScaledObjectSpec) -> tuple[str, ...]:
    """The variables of a formula: the named external triggers, in order."""
    return tuple(trigger.name for trigger in spec.triggers if trigger.name and trigger.type not in RESOURCE_TYPES)


def number(text: str) -> float | None:
    """A finite number, or None; an empty text is zero."""
    try:
        value = float(text or 0)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in text else None


def composite_spec(scaled: ScaledObject) -> MetricSpec:
    """The composite metric as the HPA asks for it."""
    modifiers = scaled.spec.advanced.scaling_modifiers
    return MetricSpec(
        COMPOSITE,
        target=number(modifiers.target) or 0.0,
        metric_type=modifiers.metric_type or "AverageValue",
        activation=number(modifiers.activation_target) or 0.0,
    )


def compute(scaled: ScaledObject, values: dict[str, float | None], now: float) -> Composite:
    """The formula's result for these triggers, cut to milli-units; an error is in the value, never raised."""
    text = scaled.spec.advanced.scaling_modifiers.formula
    variables = tuple(Variable(name, value) for name, value in values.items())
    compiled = _compiled(text, names(scaled.spec))
    if isinstance(compiled, FormulaError):
        return Composite(text, variables, error=str(compiled))
    try:
        result = compiled.evaluate(values, now)
    except FormulaError as error:
        return Composite(text, variables, error=str(error))
    if result is not None and not math.isfinite(result):
        # Upstream makes a zero of it, or less; but a division by nothing says that nothing is known.
        return Composite(text, variables, error=f"it gave {result}, which is no finite number")
    return Composite(text, variables, None if result is None else truncate_milli(result))


def problems(scaled: ScaledObject) -> list[Problem]:
    """Everything wrong with the modifiers; nothing when none are used."""
    modifiers = scaled.spec.advanced.scaling_modifiers
    if not modifiers.used:
        return []
    found = [*_formula_problems(scaled.spec, modifiers), *_number_problems(modifiers)]
    for index, trigger in enumerate(scaled.spec.triggers):
        if not trigger.name and trigger.type not in RESOURCE_TYPES:
            message = "is needed beside scalingModifiers: the formula knows a trigger by its name"
            found.append(Problem(f"spec.triggers[{index}].name", message))
    return found


def _formula_problems(spec: ScaledObjectSpec, modifiers: ScalingModifiers) -> list[Problem]:
    if not modifiers.formula:
        return [Problem(f"{_AT}.formula", "is needed as soon as any field of scalingModifiers is set")]
    variables = names(spec)
    compiled = _compiled(modifiers.formula, variables)
    if isinstance(compiled, FormulaError):
        return [Problem(f"{_AT}.formula", str(compiled), modifiers.formula)]
    try:
        compiled.evaluate(dict.fromkeys(variables, _DRY_RUN), _DRY_RUN_AT)
    except FormulaError as error:
        message = f"fails when every trigger reads {_DRY_RUN}: {error}"
        return [Problem(f"{_AT}.formula", message, modifiers.formula)]
    return []


def _number_problems(modifiers: ScalingModifiers) -> list[Problem]:
    found = []
    if not modifiers.target:
        found.append(Problem(f"{_AT}.target", "is needed beside a formula: what one replica should stand for"))
    elif (number(modifiers.target) or 0.0) <= 0:
        found.append(Problem(f"{_AT}.target", f'"{modifiers.target}" must be a number above zero', modifiers.target))
    if number(modifiers.activation_target) is None:
        message = f'"{modifiers.activation_target}" must be a number'
        found.append(Problem(f"{_AT}.activationTarget", message, modifiers.activation_target))
    return found


@functools.lru_cache(maxsize=1 << 16)
def _compiled(text: str, variables: tuple[str, ...]) -> Formula | FormulaError:
    # An error is kept like a success: a wrong formula is asked for at every check, too.
    try:
        return compile_formula(text, variables)
    except FormulaError as error:
        return error.with_traceback(None)
