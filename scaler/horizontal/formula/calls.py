"""Compiling calls: of functions, of functions with a predicate, and of a time's methods."""

import difflib
from collections.abc import Callable
from typing import Any, Final

from scaler.horizontal.formula import predicates, times, tree
from scaler.horizontal.formula.arguments import demand
from scaler.horizontal.formula.context import Context, Scope
from scaler.horizontal.formula.errors import Fault
from scaler.horizontal.formula.functions import ELSEWHERE, FUNCTIONS, INSTEAD_OF
from scaler.horizontal.formula.typed import (
    TIME,
    Kind,
    Typed,
    element_of,
)

Compile = Callable[[Context, Any], Typed]


def _call(context: Context, node: tree.Call) -> Typed:
    if node.name in predicates.LOOPS:
        return _loop(context, node)
    build = _FUNCTIONS.get(node.name)
    if build is None:
        raise Fault(_unknown_function(node.name), node.at)
    return build(node.at, [context.compile(argument) for argument in node.arguments])


def _unknown_function(name: str) -> str:
    if name in ELSEWHERE:
        return f"{name} is a function of expr-lang that formulas here do not have"
    if name == "if":
        return "if is no function: write condition ? this : that"
    instead = INSTEAD_OF.get(name.lower())
    near = (
        [instead] if instead else difflib.get_close_matches(name, [*_FUNCTIONS, *predicates.LOOPS], n=1, cutoff=0.7)
    )
    return f"unknown function {name}: " + (f'did you mean "{near[0]}"?' if near else f"known are {_KNOWN}")


def _loop(context: Context, node: tree.Call) -> Typed:
    name, most = node.name, predicates.MOST_ARGUMENTS.get(node.name, 2)
    least = 1 if name in predicates.WITHOUT_PREDICATE else 2
    if not least <= len(node.arguments) <= most:
        example = f"{name}([a, b])" if least == 1 else f"{name}([a, b], # > 0)"
        raise Fault(f"{name} takes an array{'' if least == 1 else ' and a predicate'}, as in {example}", node.at)
    collection = context.compile(node.arguments[0])
    if collection.type.kind not in {Kind.ARRAY, Kind.ANY}:
        hint = f": put it in brackets, as in {name}([a, b])" if collection.type.is_number else ""
        raise Fault(f"{name} takes an array, this is {collection.type}{hint}", collection.at)
    slot = context.new_slots(predicates.SLOTS)
    context.scopes.append(Scope(name, element_of(collection.type), slot))
    predicate = context.compile(node.arguments[1]) if len(node.arguments) > 1 else None
    context.scopes.pop()
    extra = context.compile(node.arguments[2]) if len(node.arguments) > 2 else None
    if name == "sortBy" and extra is not None:
        demand("sortBy", extra.at, extra.type, (Kind.TEXT,))
    loop = predicates.Loop(name, node.at, collection, predicate, extra, slot)
    if predicate is not None:
        predicates.check_predicate(loop)
    return predicates.LOOPS[name](loop)


def _method(context: Context, node: tree.Method) -> Typed:
    callee = node.callee
    if isinstance(callee, tree.Member) and isinstance(callee.key, tree.Text):
        base = context.compile(callee.base)
        if base.type is TIME:
            return times.method(
                callee.key.value, callee.at, base, [context.compile(given) for given in node.arguments]
            )
        raise Fault(f"{base.type} has no method {callee.key.value}", callee.at)
    assert isinstance(callee, tree.Name)
    raise Fault(f"{callee.name} is a trigger's value, not a function; write ::{callee.name}(...) for that", node.at)


_FUNCTIONS: Final = {**FUNCTIONS, "now": times.now, "timezone": times.zone}
_KNOWN: Final = ", ".join(sorted({*_FUNCTIONS, *predicates.LOOPS}))
NAMES: Final = frozenset({*_FUNCTIONS, *predicates.LOOPS, *ELSEWHERE})
"""Every name that is a function's."""
CALLS: Final[dict[type, Compile]] = {tree.Call: _call, tree.Method: _method}
