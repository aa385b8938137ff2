"""CEL's operators, macros and functions, on plain JSON values.

Whatever has no value raises `Failed`; a rule that fails is a broken rule.
"""

import operator
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)")
UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


class Failed(Exception):
    """The expression has no value: a missing field, mismatched types, a division by zero."""


class Optional:
    """What ``?.`` yields: a value that may not be there."""

    def __init__(self, value: Any) -> None:
        self.value = value


def truth(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise Failed("no such overload: a condition must be true or false")


def number(value: Any) -> float | int:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    raise Failed("no such overload: a number is needed")


def variable(names: Mapping[str, Any], name: str) -> Any:
    if name in names:
        return names[name]
    raise Failed(f"undeclared reference to '{name}'")


def unescaped(name: str) -> str:
    """Field names that CEL cannot spell are escaped in rules: ``__dash__`` and the like."""
    for escape, sign in (("__dot__", "."), ("__dash__", "-"), ("__slash__", "/"), ("__underscores__", "__")):
        name = name.replace(escape, sign)
    return name.removeprefix("__").removesuffix("__") if re.fullmatch(r"__[a-z]+__", name) else name


def field(holder: Any, name: str) -> Any:
    key = unescaped(name)
    if isinstance(holder, Optional):
        return optional_field(holder.value, name)
    if isinstance(holder, dict) and key in holder:
        return holder[key]
    raise Failed(f"no such key: {key}")


def optional_field(holder: Any, name: str) -> Optional:
    inner = holder.value if isinstance(holder, Optional) else holder
    return Optional(inner.get(unescaped(name)) if isinstance(inner, dict) else None)


def indexed(holder: Any, key: Any) -> Any:
    try:
        return holder[key]
    except (KeyError, IndexError, TypeError) as error:
        raise Failed(f"no such key: {key}") from error


def applied(name: str, function: Callable[..., Any], arguments: list[Any]) -> Any:
    try:
        return function(*arguments)
    except (TypeError, ValueError, AttributeError, IndexError, re.error) as error:
        raise Failed(f"no such overload: {name}") from error


def folded(macro: str, holder: Any, name: str, steps: list[Callable[[Any], Any]], names: Mapping[str, Any]) -> Any:
    """The list macros, over a list's items or a map's keys."""
    if not isinstance(holder, (list, dict)):
        raise Failed(f"no such overload: {macro}() needs a list or a map")
    scopes = [{**names, name: item} for item in holder]
    if macro == "map":
        kept = [scope for scope in scopes if len(steps) == 1 or truth(steps[0](scope))]
        return [steps[-1](scope) for scope in kept]
    if macro == "filter":
        return [scope[name] for scope in scopes if truth(steps[0](scope))]
    held = (truth(steps[0](scope)) for scope in scopes)
    if macro == "all":
        return all(held)
    return any(held) if macro == "exists" else sum(held) == 1


def _alike(left: Any, right: Any) -> bool:
    """Equality that keeps true apart from 1."""
    if isinstance(left, bool) is not isinstance(right, bool):
        return False
    return bool(left == right)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def evaluate(left: Any, right: Any) -> bool:
        if isinstance(left, bool) or isinstance(right, bool):
            raise Failed("no such overload: truth values have no order")
        try:
            return compare(left, right)
        except TypeError as error:
            raise Failed("no such overload: these cannot be compared") from error

    return evaluate


def _added(left: Any, right: Any) -> Any:
    if isinstance(left, str) and isinstance(right, str):
        return left + right
    if isinstance(left, list) and isinstance(right, list):
        return left + right
    return number(left) + number(right)


def _divided(left: Any, right: Any) -> Any:
    if number(right) == 0:
        raise Failed("division by zero")
    return int(left / right) if isinstance(left, int) and isinstance(right, int) else number(left) / right


def _remainder(left: Any, right: Any) -> Any:
    if number(right) == 0:
        raise Failed("modulus by zero")
    return int(left - right * int(number(left) / right))


def _contained(item: Any, holder: Any) -> bool:
    if isinstance(holder, (list, dict)):
        return item in holder
    raise Failed("no such overload: 'in' needs a list or a map")


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "==": _alike,
    "!=": lambda left, right: not _alike(left, right),
    "<": _ordered(operator.lt),
    "<=": _ordered(operator.le),
    ">": _ordered(operator.gt),
    ">=": _ordered(operator.ge),
    "in": _contained,
    "+": _added,
    "-": lambda left, right: number(left) - number(right),
    "*": lambda left, right: number(left) * number(right),
    "/": _divided,
    "%": _remainder,
}


def _duration(text: str) -> float:
    """Seconds of a Go duration such as ``1h30m``."""
    if not re.fullmatch(rf"-?(?:{DURATION.pattern})+", text):
        raise ValueError(text)
    total = sum(float(amount) * UNITS[unit] for amount, unit in DURATION.findall(text))
    return -total if text.startswith("-") else total


def _timestamp(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _is_url(text: str) -> bool:
    return re.match(r"[a-z][a-z0-9+.-]*://[^/]+", text) is not None or text.startswith("/")


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "size": len,
    "int": int,
    "double": float,
    "string": _text,
    "bool": lambda value: value == "true" if isinstance(value, str) else bool(value),
    "matches": lambda text, pattern: re.search(pattern, text) is not None,
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "contains": operator.contains,
    "indexOf": str.find,
    "lastIndexOf": str.rfind,
    "replace": str.replace,
    "split": lambda text, *rest: text.split(*rest),
    "join": lambda items, glue="": glue.join(items),
    "lowerAscii": str.lower,
    "upperAscii": str.upper,
    "trim": str.strip,
    "substring": lambda text, start, end=None: text[start:end],
    "duration": _duration,
    "timestamp": _timestamp,
    "isURL": _is_url,
    "url": lambda text: text,
    "min": lambda *values: min(values[0] if len(values) == 1 else values),
    "max": lambda *values: max(values[0] if len(values) == 1 else values),
    "sum": sum,
    "isSorted": lambda items: items == sorted(items),
    "orValue": lambda optional, other: other if optional.value is None else optional.value,
    "hasValue": lambda optional: optional.value is not None,
    "value": lambda optional: optional.value,
}
"""By name; a method is the function with its target as first argument."""
