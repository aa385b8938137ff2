"""The number in an answer: JSON, YAML, XML or Prometheus' text, and a location in it.

Compiled once for each trigger, then applied to every answer. A location that finds nothing, and a value that is no
number, are errors: what is not there is never zero.
"""

import math
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal
from xml.etree import ElementTree as ET

import msgspec
import yaml

from scaler.quantity import parse_quantity
from scaler.triggers.gjson import MISSING, compile_path

Format = Literal["prometheus", "json", "xml", "yaml"]
Locate = Callable[[bytes], float]

_NAME = re.compile(r"\s*(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)?\s*(?:\{(?P<matchers>.*)\})?\s*", re.ASCII | re.DOTALL)
_MATCHER = re.compile(
    r'\s*(?P<label>[a-zA-Z_][a-zA-Z0-9_]*)\s*(?P<how>=~|!~|!=|=)\s*(?P<quote>["\'])(?P<value>(?:\\.|(?!(?P=quote)).)*)'
    r"(?P=quote)\s*(?:,|$)",
    re.ASCII | re.DOTALL,
)
_SAMPLE = re.compile(r"(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?:\{(?P<labels>.*)\})?\s+(?P<value>\S+)(?:\s+-?\d+)?\s*")
_LABEL = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:\\.|[^"\\])*)"\s*(?:,|$)')
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def locator(format_: Format, location: str) -> Locate:
    """What finds the number in an answer; it raises ValueError. So does this, for a location that cannot be read."""
    if format_ == "json":
        return partial(_in_json, compile_path(location), location)
    if format_ == "prometheus":
        return partial(_in_exposition, location, *_selector(location))
    return partial(_in_xml if format_ == "xml" else _in_yaml, location)


def number(value: Any, location: str) -> float:
    """A number, or a text that is a Kubernetes quantity; ValueError names what stands there instead."""
    kind = type(value)
    if kind is int or kind is float:
        if not math.isfinite(value):
            raise ValueError(f"{value} stands at {location}: a number is needed")
        return float(value)
    if kind is str:
        try:
            return parse_quantity(value)
        except ValueError as error:
            raise ValueError(f"at {location}, {error}") from None
    if value is MISSING:
        raise ValueError(f"there is nothing at {location}; see whether valueLocation is right")
    words = {dict: "an object", list: "a list", bool: "a boolean", type(None): "null"}
    raise ValueError(f"{words.get(kind, kind.__name__)} stands at {location}: a number or a quantity is needed")


def _in_json(find: Callable[[object], object], location: str, body: bytes) -> float:
    return number(find(msgspec.json.decode(body)), location)


def _in_yaml(location: str, body: bytes) -> float:
    try:
        document = yaml.safe_load(body)
    except yaml.YAMLError as error:
        raise ValueError(f"it is not YAML: {' '.join(str(error).split())}") from error
    return number(_walk(document, location), location)


def _in_xml(location: str, body: bytes) -> float:
    if b"<!ENTITY" in body:
        raise ValueError("it is XML with entities of its own, which are not read")
    try:
        root = ET.fromstring(body)  # noqa: S314 - entities, which its warning is about, are refused above
    except ET.ParseError as error:
        raise ValueError(f"it is not XML: {error}") from error
    inside = _plain(root)
    found = _walk({_local(root.tag): inside}, location)
    return number(_walk(inside, location) if found is MISSING else found, location)


def _walk(document: Any, location: str) -> Any:
    """Follow keys and indexes with dots between them."""
    for step in location.split("."):
        if isinstance(document, dict):
            document = document.get(step, MISSING)
        elif isinstance(document, list) and step.isdigit() and int(step) < len(document):
            document = document[int(step)]
        else:
            return MISSING
    return document


def _plain(element: ET.Element) -> Any:
    """An element as text, or as a map of its attributes and children, those of one name in a list."""
    inside: dict[str, Any] = {_local(name): value for name, value in element.attrib.items()}
    children: dict[str, list[Any]] = {}
    for child in element:
        children.setdefault(_local(child.tag), []).append(_plain(child))
    inside |= {name: values[0] if len(values) == 1 else values for name, values in children.items()}
    return inside if children or inside else (element.text or "").strip()


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _selector(location: str) -> tuple[str, tuple[Callable[[Mapping[str, str]], bool], ...]]:
    """The name and the matchers of ``name{label="value"}``; the name may also be matched as ``__name__``."""
    match = _NAME.fullmatch(location)
    if match is None:
        raise ValueError(f'"{location}" is not a metric such as jobs{{queue="work"}}')
    name, inside = match["name"] or "", match["matchers"] or ""
    matchers = []
    place = 0
    while inside[place:].strip():
        part = _MATCHER.match(inside, place)
        if part is None:
            raise ValueError(
                f'"{location}" is not a metric such as jobs{{queue="work"}}: see {inside[place:].strip()}'
            )
        if part["label"] == "__name__" and part["how"] == "=":
            name = _unescaped(part["value"])
        else:
            matchers.append(_matcher(part["label"], part["how"], _unescaped(part["value"])))
        place = part.end()
    if not name:
        raise ValueError(f'"{location}" names no metric: write one such as jobs{{queue="work"}}')
    return name, tuple(matchers)


def _matcher(label: str, how: str, value: str) -> Callable[[Mapping[str, str]], bool]:
    if how == "=":
        return lambda labels: labels.get(label, "") == value
    if how == "!=":
        return lambda labels: labels.get(label, "") != value
    try:
        pattern = re.compile(value)
    except re.error as error:
        raise ValueError(f'"{value}" is not a regular expression: {error}') from None
    if how == "=~":
        return lambda labels: pattern.fullmatch(labels.get(label, "")) is not None
    return lambda labels: pattern.fullmatch(labels.get(label, "")) is None


def _in_exposition(
    location: str, name: str, matchers: tuple[Callable[[Mapping[str, str]], bool], ...], body: bytes
) -> float:
    """The first sample that fits, as upstream."""
    for line in body.decode().splitlines():
        sample = _SAMPLE.fullmatch(line.strip())
        if sample is None or sample["name"] != name:
            continue
        labels = {key: _unescaped(value) for key, value in _LABEL.findall(sample["labels"] or "")}
        if all(fits(labels) for fits in matchers):
            return number(float(sample["value"]), location)
    raise ValueError(f"there is no sample {location}; see whether valueLocation is right")


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda match: "\n" if match[1] == "n" else match[1], text)
