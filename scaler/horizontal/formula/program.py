"""A formula as a whole: compiled once, evaluated as often as the triggers are read."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from scaler.horizontal.formula.compiler import Compiler
from scaler.horizontal.formula.errors import Fault, FormulaError
from scaler.horizontal.formula.functions import to_float
from scaler.horizontal.formula.parser import Parser
from scaler.horizontal.formula.typed import FIRST_SLOT, MOST_WORK, NIL_HINT, Kind, Run, Typed, name_of

_DRY_RUN: Final = -1.0
"""What every variable is worth when a formula is checked, as upstream has it."""
_RESULTS: Final = frozenset({Kind.ANY, Kind.INTEGER, Kind.NUMBER})
_WRAPPED_RESULTS: Final = _RESULTS | {Kind.TEXT}
"""The wrapper float(...) reads strings, too."""


class Formula:
    """A formula that fits together. Immutable; the same for every evaluation."""

    __slots__ = ("_keeps_nil", "_run", "_slots", "text", "uses")

    def __init__(self, text: str, root: Typed, compiler: Compiler, *, keeps_nil: bool) -> None:
        self.text = text
        """As the user wrote it."""
        self.uses = frozenset(compiler.used)
        """The variables it reads."""
        self._run: Run = root.run
        self._slots = [None] * (compiler.slots - FIRST_SLOT)
        self._keeps_nil = keeps_nil

    def evaluate(self, values: Mapping[str, float | None], now: float | None = None) -> float | None:
        """Compute the result; a variable that is None, or not there, is nil.

        `now` is in epoch seconds, for formulas that ask for the time. None is the formula's own answer nil, which
        only a formula with `??` may give. Raises FormulaError when it fails on these values.
        """
        try:
            return self._number(self._run([values, now, MOST_WORK, *self._slots]))
        except Fault as fault:
            raise FormulaError(fault.message, fault.at, self.text) from None

    def _number(self, result: Any) -> float | None:
        if type(result) is float or (result is None and self._keeps_nil):
            return result
        try:
            return to_float(result)
        except (TypeError, ValueError):
            raise Fault(self._no_number(result), 0) from None

    @staticmethod
    def _no_number(result: Any) -> str:
        hint = f": {NIL_HINT}" if result is None else ""
        return f"the formula gives {name_of(result)}, not a number{hint}"


def compile_formula(text: str, variables: Collection[str]) -> Formula:
    """Compile a formula in which every variable is a number that may be nil.

    Upstream wraps a formula in float(...) unless it begins so; nil passes that wrapper where `??` is used.
    Raises FormulaError at what cannot be read, at unknown names and at types that do not fit.
    """
    try:
        return _compiled(text, variables)
    except Fault as fault:
        raise FormulaError(fault.message, fault.at, text) from None


def _compiled(text: str, variables: Collection[str]) -> Formula:
    wrapped = not text.startswith("float(")
    compiler = Compiler(variables)
    root = compiler.compile(Parser(text, variables).parse(sequence=not wrapped))
    if root.type.kind not in (_WRAPPED_RESULTS if wrapped else _RESULTS):
        hint = ": write condition ? 1 : 0" if root.type.kind is Kind.BOOLEAN else ""
        raise Fault(f"the formula gives {root.type}, not a number{hint}", root.at)
    return Formula(text, root, compiler, keeps_nil=wrapped and "??" in text)


def check(text: str, variables: Collection[str]) -> Formula:
    """Compile a formula and try it with -1 for every variable, as upstream does before it accepts one.

    Raises FormulaError.
    """
    formula = compile_formula(text, variables)
    formula.evaluate(dict.fromkeys(variables, _DRY_RUN), now=0.0)
    return formula
