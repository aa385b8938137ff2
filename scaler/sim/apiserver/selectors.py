"""Label and field selectors, in their three spellings: query text, LabelSelector objects, and the text of a scale.

Source: the grammar of k8s.io/apimachinery labels and fields.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from scaler.sim.apiserver import refusals

Labels = Mapping[str, str]
Matches = Callable[[Labels], bool]
Object = dict[str, Any]

REQUIREMENT = re.compile(
    r"""\s*(?:
      (?P<absent>!)\s*(?P<absent_key>[\w./-]+)
    | (?P<set_key>[\w./-]+)\s+(?P<set_operator>in|notin)\s*\((?P<values>[^)]*)\)
    | (?P<key>[\w./-]+)\s*(?P<operator>==|!=|=|>|<)\s*(?P<value>[\w.-]*)
    | (?P<present>[\w./-]+)
    )\s*(?:,|$)""",
    re.VERBOSE,
)
FIELD = re.compile(r"\s*(?P<path>[\w.\[\]-]+)\s*(?P<operator>==|!=|=)\s*(?P<value>(?:\\.|[^,\\])*)(?:,|$)")

BASE_FIELDS = ("metadata.name", "metadata.namespace")


@lru_cache(maxsize=1024)
def label_selector(text: str) -> Matches | None:
    """What the text asks of labels; None when it asks nothing."""
    requirements: list[Matches] = []
    place = 0
    while place < len(text):
        match = REQUIREMENT.match(text, place)
        if match is None or match.end() == place:
            raise refusals.bad_request(f"unable to parse requirement: cannot read label selector {text!r} at {place}")
        requirements.append(_requirement(match))
        place = match.end()
    return _all(requirements)


def from_object(selector: Object | None) -> Matches:
    """What a LabelSelector asks: an empty one matches everything, none matches nothing."""
    if selector is None:
        return lambda _: False
    return label_selector(as_text(selector)) or (lambda _: True)


def as_text(selector: Object) -> str:
    """A LabelSelector in the query spelling, keys in order."""
    parts = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    parts += [_expression(part) for part in selector.get("matchExpressions") or ()]
    return ",".join(parts)


def field_selector(text: str, known: Mapping[str, Callable[[Object], str]]) -> Callable[[Object], bool]:
    """What the text asks of an object; a field that cannot be selected by is refused as the real server does."""
    wanted: list[tuple[Callable[[Object], str], str, bool]] = []
    place = 0
    while place < len(text):
        match = FIELD.match(text, place)
        if match is None:
            raise refusals.bad_request(f"invalid selector: '{text}'; can't understand '{text[place:]}'")
        wanted.append((_field(match["path"], known), _unescaped(match["value"]), match["operator"] != "!="))
        place = match.end()
    return lambda obj: all((read(obj) == value) is equal for read, value, equal in wanted)


def reader(path: str) -> Callable[[Object], str]:
    """A function that reads a dotted path as text; empty where there is nothing."""
    steps = path.split(".")

    def read(obj: Object) -> str:
        value: Any = obj
        for step in steps:
            value = value.get(step) if isinstance(value, dict) else None
        if isinstance(value, bool):
            return "true" if value else "false"
        return "" if value is None else str(value)

    return read


def _field(path: str, known: Mapping[str, Callable[[Object], str]]) -> Callable[[Object], str]:
    if path in BASE_FIELDS:
        return reader(path)
    if path not in known:
        base = ", ".join(f'"{name}"' for name in BASE_FIELDS)
        only = f'"{path}" is not a known field selector: only {base}'
        raise refusals.bad_request(f"field label not supported: {path}" if known else only)
    return known[path]


def _unescaped(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value)


def _all(requirements: list[Matches]) -> Matches | None:
    if not requirements:
        return None
    if len(requirements) == 1:
        return requirements[0]
    return lambda labels: all(holds(labels) for holds in requirements)


def _requirement(match: re.Match[str]) -> Matches:
    if match["absent"]:
        key = match["absent_key"]
        return lambda labels: key not in labels
    if match["present"]:
        key = match["present"]
        return lambda labels: key in labels
    if match["set_key"]:
        values = frozenset(value.strip() for value in match["values"].split(","))
        return _membership(match["set_key"], values, within=match["set_operator"] == "in")
    return _comparison(match["key"], match["operator"], match["value"])


def _membership(key: str, values: frozenset[str], *, within: bool) -> Matches:
    if within:
        return lambda labels: labels.get(key) in values
    return lambda labels: labels.get(key) not in values


def _comparison(key: str, operator: str, value: str) -> Matches:
    if operator in {"=", "=="}:
        return lambda labels: labels.get(key) == value
    if operator == "!=":
        return lambda labels: labels.get(key) != value
    sign = 1 if operator == ">" else -1
    return lambda labels: _is_integer(labels.get(key, "")) and sign * int(labels[key]) > sign * int(value)


def _is_integer(text: str) -> bool:
    return re.fullmatch(r"-?\d+", text) is not None


def _expression(part: Object) -> str:
    key, operator = part["key"], part["operator"]
    if operator == "Exists":
        return str(key)
    if operator == "DoesNotExist":
        return f"!{key}"
    return f"{key} {'in' if operator == 'In' else 'notin'} ({','.join(sorted(part['values']))})"
