"""What is known while a formula is compiled: its variables, what `let` declared, and the predicates around."""

import abc
import difflib
from collections.abc import Collection
from typing import Final, NamedTuple

from scaler.horizontal.formula import tree
from scaler.horizontal.formula.errors import Fault
from scaler.horizontal.formula.typed import FIRST_SLOT, NUMBER, VALUES, Type, Typed

ENVIRONMENT: Final = "$env"
"""The name under which all variables together are known."""


class Scope(NamedTuple):
    """What a predicate sees."""

    function: str
    """The function whose predicate it is."""
    element: Type
    """What each element is."""
    slot: int
    """The first of its slots in the frame."""


class Context(abc.ABC):
    """The state of one compilation."""

    def __init__(self, variables: Collection[str], functions: Collection[str]) -> None:
        self.variables = tuple(variables)
        """The triggers' names."""
        self.functions = frozenset(functions)
        """Names that `let` must not take."""
        self.scopes: list[Scope] = []
        """The predicates around, the innermost last."""
        self.locals: dict[str, tuple[Type, int]] = {}
        """What `let` declared: its type and its slot."""
        self.slots = FIRST_SLOT
        """How long the frame of this formula is."""
        self.used: set[str] = set()
        """The variables it reads."""

    @abc.abstractmethod
    def compile(self, node: tree.Node) -> Typed:
        """Compile a part; raises Fault where it does not fit together."""

    def new_slots(self, count: int) -> int:
        """Reserve slots in the frame and give the first."""
        self.slots += count
        return self.slots - count

    def name(self, name: str, at: int) -> Typed:
        """Resolve a name to what `let` declared or to a trigger's value."""
        if name in self.locals:
            declared, slot = self.locals[name]
            return Typed(declared, lambda frame: frame[slot], at)
        return self.variable(name, at)

    def variable(self, name: str, at: int) -> Typed:
        """Resolve a name to a trigger's value."""
        if name not in self.variables:
            raise Fault(self._unknown(name), at)
        self.used.add(name)
        return Typed(NUMBER, lambda frame: frame[VALUES].get(name), at)

    def _unknown(self, name: str) -> str:
        if name in self.functions:
            return f"{name} is a function: call it, as in {name}(...)"
        if name == ENVIRONMENT:
            return f'{ENVIRONMENT} is not a value: write {ENVIRONMENT}["name"]'
        dashed = next((known for known in self.variables if known.startswith(f"{name}-")), None)
        if dashed is not None:
            return f'unknown name {name}: a dash subtracts, so write {ENVIRONMENT}["{dashed}"]'
        known = [*self.locals, *self.variables]
        near = difflib.get_close_matches(name, known, n=1)
        if near:
            return f'unknown name {name}: did you mean "{near[0]}"?'
        return f"unknown name {name}: " + (f"known are {', '.join(known)}" if known else "no trigger has a name")
