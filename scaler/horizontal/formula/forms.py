"""Compiling what a formula is made of: literals, names, operators, conditions and declarations."""

from collections.abc import Callable
from typing import Any, Final

from scaler.horizontal.formula import predicates, tree
from scaler.horizontal.formula.context import Context
from scaler.horizontal.formula.errors import Fault
from scaler.horizontal.formula.operation import truth
from scaler.horizontal.formula.operators import binary, unary
from scaler.horizontal.formula.typed import (
    ANY,
    BOOLEAN,
    INTEGER,
    NIL,
    NUMBER,
    TEXT,
    Frame,
    Kind,
    Type,
    Typed,
    common,
)

Compile = Callable[[Context, Any], Typed]


def _literal(_: Context, node: tree.Number | tree.Text | tree.Boolean) -> Typed:
    value = node.value
    return Typed(_LITERALS[type(value)], lambda _frame: value, node.at)


def _nil(_: Context, node: tree.Nil) -> Typed:
    return Typed(NIL, lambda _frame: None, node.at)


def _name(context: Context, node: tree.Name) -> Typed:
    return context.name(node.name, node.at)


def _pointer(context: Context, node: tree.Pointer) -> Typed:
    scope = context.scopes[-1]
    if node.name == "":
        slot = scope.slot + predicates.ITEM
        return Typed(scope.element, lambda frame: frame[slot], node.at)
    if node.name not in predicates.POINTERS.get(scope.function, ()):
        raise Fault(f"#{node.name} does not exist in {scope.function}", node.at)
    slot = scope.slot + (predicates.INDEX if node.name == "index" else predicates.ACCUMULATED)
    return Typed(INTEGER if node.name == "index" else ANY, lambda frame: frame[slot], node.at)


def _unary(context: Context, node: tree.Unary) -> Typed:
    return unary(node.operator, node.at, context.compile(node.operand))


def _binary(context: Context, node: tree.Binary) -> Typed:
    return binary(node.operator, node.at, context.compile(node.left), context.compile(node.right))


def _conditional(context: Context, node: tree.Conditional) -> Typed:
    condition = context.compile(node.condition)
    if condition.type.kind not in {Kind.BOOLEAN, Kind.ANY}:
        hint = ": compare it, as in a > 0" if condition.type.is_number else ""
        raise Fault(f"the condition is {condition.type}, not a boolean{hint}", condition.at)
    holds = truth(condition)
    then, otherwise = context.compile(node.then), context.compile(node.otherwise)
    this, that = then.run, otherwise.run
    return Typed(
        common(then.type, otherwise.type), lambda frame: this(frame) if holds(frame) else that(frame), node.at
    )


def _let(context: Context, node: tree.Let) -> Typed:
    if node.name in context.locals or node.name in context.variables:
        raise Fault(f"{node.name} exists already: choose another name", node.at)
    if node.name in context.functions:
        raise Fault(f"{node.name} is a function: choose another name", node.at)
    value, slot = context.compile(node.value), context.new_slots(1)
    context.locals[node.name] = (value.type, slot)
    body = context.compile(node.body)
    del context.locals[node.name]
    given, then = value.run, body.run

    def run(frame: Frame) -> Any:
        frame[slot] = given(frame)
        return then(frame)

    return Typed(body.type, run, node.at)


def _sequence(context: Context, node: tree.Sequence) -> Typed:
    *before, last = [context.compile(item) for item in node.items]
    runs = [part.run for part in before]

    def run(frame: Frame) -> Any:
        for part in runs:
            part(frame)
        return last.run(frame)

    return Typed(last.type, run, node.at)


_LITERALS: Final[dict[type, Type]] = {int: INTEGER, float: NUMBER, str: TEXT, bool: BOOLEAN}
FORMS: Final[dict[type, Compile]] = {
    tree.Binary: _binary,
    tree.Boolean: _literal,
    tree.Conditional: _conditional,
    tree.Let: _let,
    tree.Name: _name,
    tree.Nil: _nil,
    tree.Number: _literal,
    tree.Pointer: _pointer,
    tree.Sequence: _sequence,
    tree.Text: _literal,
    tree.Unary: _unary,
}
