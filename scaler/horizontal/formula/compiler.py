"""From a tree to functions: names are resolved, types checked, and every part becomes a Python function.

Nothing is ever handed to Python's own compiler.
"""

from collections.abc import Collection
from typing import Final

from scaler.horizontal.formula import tree
from scaler.horizontal.formula.calls import CALLS, NAMES
from scaler.horizontal.formula.context import Context
from scaler.horizontal.formula.forms import FORMS
from scaler.horizontal.formula.members import MEMBERS
from scaler.horizontal.formula.typed import Typed

_COMPILE: Final = FORMS | MEMBERS | CALLS


class Compiler(Context):
    """Compiles one tree against the variables that exist."""

    def __init__(self, variables: Collection[str]) -> None:
        super().__init__(variables, NAMES)

    def compile(self, node: tree.Node) -> Typed:
        return _COMPILE[type(node)](self, node)
