"""One object as its definition sees it, in words for the person who wrote it.

An API server says what is wrong; this says what would be right: quote that number, this field was meant, it belongs
over there. What an API server drops without a word (unknown fields) is a warning here.
"""

import difflib
import re
from collections.abc import Iterator
from typing import Any

from scaler.api import schema as structural
from scaler.api.schema import Schema, at
from scaler.errors import Problem

_IN_BODY = re.compile(r" in body (?P<words>.*)$", re.DOTALL)
_OF_TYPE = re.compile(r"must be of type (?P<wanted>\w+)")
_UNSUPPORTED = re.compile(r"supported values: (?P<values>.*)$")
_PREFIX = re.compile(r'^(Invalid value|Required value|Forbidden|Duplicate value): ("\w*": )?')
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LONGEST_NAME = 253
_WRITTEN = {dict: "a mapping", list: "a list", str: "a text", type(None): "empty", bool: "a truth", int: "a number"}
_WANTED = {
    "object": "a mapping",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "boolean": "true or false",
}
OLD_NAMES = {
    "spec.scaleTargetRef.deploymentName": "name",
    "spec.scaleTargetRef.containerName": "envSourceContainerName",
}
"""Fields of KEDA 1."""


def errors(schema: Schema, value: dict[str, Any]) -> list[Problem]:
    """What an API server would refuse."""
    found = structural.validate(schema, value)
    return [*metadata(value), *(_plain(problem) for problem in found if problem.message != structural.UNCHECKED)]


def warnings(schema: Schema, value: dict[str, Any]) -> list[Problem]:
    """What an API server would drop without a word."""
    places = dict(_places(schema, ""))
    return [_unknown(path, key, known, places) for path, key, known in _unknowns(schema, value, "")]


# -- metadata --------------------------------------------------------------------------------------------------


def metadata(value: dict[str, Any]) -> Iterator[Problem]:
    """The part that no definition describes."""
    own = value.get("metadata")
    if own is None:
        yield Problem("metadata", "is required: metadata.name names the object")
    if not isinstance(own, dict):  # told by the schema
        return
    yield from _name(own)
    for field in ("labels", "annotations"):
        texts = own.get(field) or {}
        if not isinstance(texts, dict):
            yield Problem(f"metadata.{field}", f"is {_kind(texts)}: a mapping of texts is wanted", texts)
            continue
        for key, text in texts.items():
            if not isinstance(text, str):
                yield Problem(f"metadata.{field}.{key}", _quoted(text), text)


def _name(own: dict[str, Any]) -> Iterator[Problem]:
    name = own.get("name")
    if name is None and own.get("generateName"):
        return
    if name is None or name == "":
        yield Problem("metadata.name", "is required")
    elif not isinstance(name, str):
        yield Problem("metadata.name", _quoted(name), name)
    elif not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        words = f'"{name}" is no name: lower case letters, digits, - and ., a letter or digit at both ends, '
        words += f"at most {_LONGEST_NAME} in all"
        yield Problem("metadata.name", words, name)


def mended(value: dict[str, Any]) -> dict[str, Any]:
    """A copy with quotes where they were forgotten, so that the rules can be judged at the same time."""
    spec = value.get("spec")
    made = {**value, "metadata": _texts_in(value.get("metadata"), "labels", "annotations")}
    if isinstance(spec, dict) and isinstance(spec.get("triggers"), list):
        made["spec"] = {**spec, "triggers": [_texts_in(trigger, "metadata") for trigger in spec["triggers"]]}
    return made


def _texts_in(holder: object, *fields: str) -> object:
    if not isinstance(holder, dict):
        return holder
    quoted = {field: _all_texts(holder[field]) for field in fields if isinstance(holder.get(field), dict)}
    return {**holder, **quoted}


def _all_texts(texts: dict[str, Any]) -> dict[str, Any]:
    return {key: _text(value) if isinstance(value, bool | int | float) else value for key, value in texts.items()}


def _text(value: float) -> str:
    """A truth or a number as it should have been quoted."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


# -- words -----------------------------------------------------------------------------------------------------


def _plain(problem: Problem) -> Problem:
    return Problem(problem.path, _words(problem), problem.value)


def _words(problem: Problem) -> str:
    message, value = problem.message, problem.value
    if message == "Required value":
        return "is required"
    unsupported = _UNSUPPORTED.search(message)
    if unsupported:
        choices = re.findall(r'"([^"]*)"', unsupported["values"])
        return f'"{value}" is none of {", ".join(choices)}{_meant(str(value), choices)}'
    body = _IN_BODY.search(message)
    if body is None:
        return _PREFIX.sub("", message)
    wanted = _OF_TYPE.search(body["words"])
    if wanted:
        return _mistyped(value, wanted["wanted"])
    return _misfit(value, body["words"])


def _mistyped(value: object, wanted: str) -> str:
    if value is None:
        return f"is empty: write {_WANTED.get(wanted, wanted)}, or remove the key"
    if wanted == "string" and isinstance(value, bool | int | float):
        return _quoted(value)
    if wanted in {"integer", "boolean"} and isinstance(value, str):
        bare = value.isdecimal() if wanted == "integer" else value in {"true", "false"}
        return f'is the text "{value}": ' + (f"remove the quotes, {value}" if bare else f"write {_WANTED[wanted]}")
    if wanted == "integer" and isinstance(value, float):
        return f"is {value:g}: write a whole number"
    return f"is {_kind(value)}: {_WANTED.get(wanted, wanted)} is wanted"


def _quoted(value: object) -> str:
    if value is False:  # what YAML makes of off and no as well
        return 'is a truth, not a text: quote it as you wrote it, "false", "Off" or "no"'
    if isinstance(value, bool | int | float):
        return f'is {_kind(value)}, not a text: quote it, "{_text(value)}"'
    return f"is {_kind(value)}: write a text"


def _misfit(value: object, words: str) -> str:
    if "at least 1" in words:
        return "is empty: " + ("at least one is needed" if isinstance(value, list) else "write something")
    if words.startswith("should match") and "Ki" not in words and "KMGTPE" in words:
        return f'"{value}" is no quantity such as 0.05 or 50m'
    return f"{value} {words}"


def _kind(value: object) -> str:
    return _WRITTEN.get(type(value), "a number")


def _meant(word: str, known: list[str]) -> str:
    near = closest(word, known)
    return f"; did you mean {near}?" if near else ""


def closest(word: str, known: list[str]) -> str:
    """The one that was perhaps meant, or nothing."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return near[0] if near else ""


# -- unknown fields --------------------------------------------------------------------------------------------


def _unknowns(schema: Schema, value: object, path: str) -> Iterator[tuple[str, str, list[str]]]:
    """Every key that the schema does not know: where, which, and what is known there."""
    items, others, fields = schema.get("items"), schema.get("additionalProperties"), schema.get("properties")
    if isinstance(value, list) and items:
        for index, item in enumerate(value):
            yield from _unknowns(items, item, at(path, index))
    elif isinstance(value, dict) and isinstance(others, dict):
        for key, member in value.items():
            yield from _unknowns(others, member, at(path, key))
    elif isinstance(value, dict) and fields is not None:
        for key, member in value.items():
            if key in fields:
                yield from _unknowns(fields[key], member, at(path, key))
            else:
                yield path, key, list(fields)


def _places(schema: Schema, path: str) -> Iterator[tuple[str, str]]:
    """Where each field of the spec belongs that has only one place, by its name."""
    for key, part in schema.get("properties", {}).items():
        if key not in {"status", "metadata", "apiVersion", "kind"} and path != "status":
            yield key, at(path, key)
            yield from _places(part, at(path, key))


def _unknown(path: str, key: str, known: list[str], places: dict[str, str]) -> Problem:
    here = at(path, key)
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.75)
    if here in OLD_NAMES:
        hint = f"KEDA 1's name: write {OLD_NAMES[here]}"
    elif near:
        hint = f"did you mean {near[0]}?"
    elif key in places:
        hint = f"it belongs at {places[key]}"
    else:
        hint = f"there are {', '.join(sorted(known))}" if len(known) <= 12 else "nobody reads it"  # more is no help
    return Problem(here, f"is not a field here, and would be dropped without a word: {hint}")
