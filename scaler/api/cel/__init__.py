"""The rules of a schema (``x-kubernetes-validations``), in the Common Expression Language.

Speaks the part of CEL that rules of CustomResourceDefinitions use: literals, fields, operators, ``has``, the list
macros, text functions, quantities, durations and timestamps. It has no cost limits, no optional types beyond
``?.`` with ``orValue`` and ``hasValue``, and checks types only when it evaluates.
Source of the words of a refusal: what a kube-apiserver 1.36 answers.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import msgspec

from scaler.api.cel.functions import Failed
from scaler.api.cel.syntax import Evaluate, parse
from scaler.errors import Problem

Schema = dict[str, Any]
ABSENT = msgspec.UNSET

PREFIXES = {
    "FieldValueInvalid": "Invalid value",
    "FieldValueRequired": "Required value",
    "FieldValueForbidden": "Forbidden",
    "FieldValueDuplicate": "Duplicate value",
}


@lru_cache(maxsize=512)
def compiled(rule: str) -> Evaluate:
    """The rule ready to be evaluated; ValueError says where it cannot be read."""
    return parse(rule)


def evaluate(rule: str, variables: dict[str, Any]) -> Any:
    """What the expression yields; `Failed` when it has no value."""
    return compiled(rule)(variables)


def broken(schema: Schema, value: object, path: str = "", old: object = ABSENT) -> list[Problem]:
    """The rules that `value` breaks, its own first, then those of its members; `old` is what it replaces."""
    return list(_broken(schema, value, path, old))


def _broken(schema: Schema, value: object, path: str, old: object) -> Iterator[Problem]:
    if value is None:
        return
    for rule in schema.get("x-kubernetes-validations", ()):
        problem = _judged(rule, value, path, old)
        if problem is not None:
            yield problem
    for part, member, here, before in _members(schema, value, path, old):
        yield from _broken(part, member, here, before)


def _members(schema: Schema, value: object, path: str, old: object) -> Iterator[tuple[Schema, object, str, object]]:
    if isinstance(value, dict):
        others = schema.get("additionalProperties")
        before = old if isinstance(old, dict) else {}
        for key, member in value.items():
            part = schema.get("properties", {}).get(key, others)
            if isinstance(part, dict):
                yield part, member, f"{path}.{key}" if path else key, before.get(key, ABSENT)
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for index, item in enumerate(value):
            yield schema["items"], item, f"{path}[{index}]", ABSENT


def _judged(rule: dict[str, Any], value: object, path: str, old: object) -> Problem | None:
    text = rule["rule"]
    variables = {"self": value}
    if "oldSelf" in text:
        if old is ABSENT and not rule.get("optionalOldSelf"):
            return None
        variables["oldSelf"] = None if old is ABSENT else old
    try:
        if evaluate(text, variables) is True:
            return None
        said = _message(rule, variables)
    except Failed as failure:
        said = f"rule evaluation error: {failure}"
    return Problem(_place(rule, path), _worded(rule, said), value)


def _place(rule: dict[str, Any], path: str) -> str:
    below = rule.get("fieldPath", "").removeprefix(".")
    return f"{path}.{below}" if path and below else path or below


def _message(rule: dict[str, Any], variables: dict[str, Any]) -> str:
    if "messageExpression" in rule:
        try:
            return str(evaluate(rule["messageExpression"], variables))
        except Failed:
            pass  # as upstream: an expression that fails falls back to the fixed message
    return str(rule.get("message") or f"failed rule: {rule['rule']}")


def _worded(rule: dict[str, Any], said: str) -> str:
    prefix = PREFIXES.get(rule.get("reason", "FieldValueInvalid"), "Invalid value")
    return f"{prefix}: {said}"
