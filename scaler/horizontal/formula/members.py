"""Compiling arrays and maps, and what stands in them."""

import functools
from collections.abc import Callable
from typing import Any, Final

from scaler.horizontal.formula import tree
from scaler.horizontal.formula.context import ENVIRONMENT, Context
from scaler.horizontal.formula.errors import Fault
from scaler.horizontal.formula.typed import (
    ANY,
    MAP,
    Frame,
    Kind,
    Type,
    Typed,
    array_of,
    common,
    element_of,
    name_of,
    spend,
)

Compile = Callable[[Context, Any], Typed]


def _array(context: Context, node: tree.Array) -> Typed:
    items = [context.compile(item) for item in node.items]
    runs = [item.run for item in items]
    types = [item.type for item in items]
    alike = len({found.kind for found in types}) == 1

    def run(frame: Frame) -> list[Any]:
        spend(frame, len(runs), node.at)
        return [item(frame) for item in runs]

    return Typed(array_of(functools.reduce(common, types) if alike else ANY), run, node.at)


def _map(context: Context, node: tree.Map) -> Typed:
    pairs = [
        (context.compile(key).run, context.compile(value).run)
        for key, value in zip(node.keys, node.values, strict=True)
    ]

    def run(frame: Frame) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, value in pairs:
            name = key(frame)
            if not isinstance(name, str):
                raise Fault(f"a key is a string, not {name_of(name)}", node.at)
            made[name] = value(frame)
        return made

    return Typed(MAP, run, node.at)


def _member(context: Context, node: tree.Member) -> Typed:
    if isinstance(node.base, tree.Name) and node.base.name == ENVIRONMENT:
        return _of_environment(context, node)
    base, key = context.compile(node.base), context.compile(node.key)
    gives = _member_type(node, base.type, key.type)
    whole, part = base.run, key.run

    def run(frame: Frame) -> Any:
        value = whole(frame)
        if value is None and node.optional:
            return None
        return _fetch(value, part(frame), node.at)

    return Typed(gives, run, node.at)


def _of_environment(context: Context, node: tree.Member) -> Typed:
    if not isinstance(node.key, tree.Text):
        raise Fault(f'write {ENVIRONMENT}["name"] with the name as it is', node.at)
    return context.variable(node.key.value, node.at)


def _member_type(node: tree.Member, base: Type, key: Type) -> Type:
    if base is ANY:
        return ANY
    if base.kind is Kind.ARRAY and key.kind in {Kind.INTEGER, Kind.ANY}:
        return element_of(base)
    if base.kind is Kind.MAP and key.kind in {Kind.TEXT, Kind.ANY}:
        return ANY
    if base.kind is Kind.ARRAY:
        raise Fault(f"an element of an array is chosen by an integer, not by {key}", node.at)
    of = f' "{node.key.value}"' if isinstance(node.key, tree.Text) else ""
    raise Fault(f"{base} has no member{of}", node.at)


def _slice(context: Context, node: tree.Slice) -> Typed:
    base = context.compile(node.base)
    if base.type.kind not in {Kind.ARRAY, Kind.TEXT, Kind.ANY}:
        raise Fault(f"{base.type} has no parts", node.at)
    begin, end = _bound(context, node.begin), _bound(context, node.end)
    whole = base.run

    def run(frame: Frame) -> Any:
        value = whole(frame)
        if not isinstance(value, list | str):
            raise Fault(f"{name_of(value)} has no parts", node.at)
        return value[slice(begin(frame), end(frame))]

    return Typed(base.type, run, node.at)


def _bound(context: Context, node: tree.Node | None) -> Callable[[Frame], int | None]:
    if node is None:
        return lambda _: None
    bound = context.compile(node)
    if bound.type.kind not in {Kind.INTEGER, Kind.ANY}:
        raise Fault(f"the bound of a part is an integer, not {bound.type}", bound.at)
    return lambda frame: _index(bound.run(frame), bound.at)


def _fetch(value: Any, key: Any, at: int) -> Any:
    if isinstance(value, dict):
        return value.get(key) if isinstance(key, str) else None
    if not isinstance(value, list):
        raise Fault(f"{name_of(value)} has no members", at)
    index = _index(key, at)
    try:
        return value[index]
    except IndexError:
        raise Fault(f"the array has {len(value)} elements, none at {index}", at) from None


def _index(value: Any, at: int) -> int:
    if type(value) is not int and type(value) is not float:
        raise Fault(f"an integer belongs here, this is {name_of(value)}", at)
    try:
        return int(value)
    except (OverflowError, ValueError):
        raise Fault(f"an integer belongs here, this is {value}", at) from None


MEMBERS: Final[dict[type, Compile]] = {
    tree.Array: _array,
    tree.Map: _map,
    tree.Member: _member,
    tree.Slice: _slice,
}
