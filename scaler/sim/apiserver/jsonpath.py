"""The part of JSONPath that printer columns and scale paths are written in.

Fields, quoted fields, indexes, ``[*]`` and the filter ``[?(@.a=="b")]``. No recursion, slices or unions.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any

STEP = re.compile(
    r"""\.?(?:
      (?P<name>(?:\\.|[^.\[\]\\])+)
    | \[\s*(?P<quote>['"])(?P<quoted>.*?)(?P=quote)\s*\]
    | \[\s*(?P<index>-?\d+)\s*\]
    | (?P<all>\[\s*\*\s*\])
    | \[\?\(\s*@\.(?P<path>[\w.\\/-]+)\s*(?P<operator>==|!=)\s*(?P<value>"[^"]*"|'[^']*'|[\w.-]+)\s*\)\]
    )""",
    re.VERBOSE,
)

Step = Callable[[Any], Iterable[Any]]


def found(path: str, obj: Any) -> list[Any]:
    """Every value at the path, in order; none where it leads nowhere."""
    values = [obj]
    for step in compiled(path):
        values = [member for value in values for member in step(value)]
    return values


@lru_cache(maxsize=512)
def compiled(path: str) -> tuple[Step, ...]:
    """The steps of a path; ValueError names one that cannot be read."""
    text = path.strip().removeprefix("{").removesuffix("}").removeprefix("$")
    steps: list[Step] = []
    place = 0
    while place < len(text) and text != ".":
        match = STEP.match(text, place)
        if match is None:
            raise ValueError(f"cannot read the JSONPath {path!r} at {text[place:]!r}")
        steps.append(_step(match))
        place = match.end()
    return tuple(steps)


def _step(match: re.Match[str]) -> Step:
    if match["all"]:
        return _members
    if match["index"]:
        index = int(match["index"])
        return lambda value: value[index : index + 1 or None] if isinstance(value, list) else ()
    if match["path"]:
        return _filter(match["path"], match["value"].strip("\"'"), equal=match["operator"] == "==")
    name = match["quoted"] if match["quoted"] is not None else re.sub(r"\\(.)", r"\1", match["name"])
    return lambda value: (value[name],) if isinstance(value, dict) and name in value else ()


def _members(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _filter(path: str, wanted: str, *, equal: bool) -> Step:
    def matching(value: Any) -> Iterator[Any]:
        for member in _members(value):
            held = found(f".{path}", member)
            if held and (_text(held[0]) == wanted) is equal:
                yield member

    return matching


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
