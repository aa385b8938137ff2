"""Manifests as they are written: every object with the line that each of its paths stands on.

Reads YAML as Kubernetes does, not as PyYAML does: no dates, no sexagesimal numbers (``30:00`` is a text), no key
twice. One document that cannot be read hides no other. It judges nothing beyond YAML.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import yaml

from scaler.api.schema import at

STDIN = "-"
SUFFIXES = frozenset({".yaml", ".yml", ".json"})
MOST_NODES = 1_000_000
"""More than any manifest has; a few nested aliases can stand for more than memory holds."""
MOST_LEVELS = 200
"""Deeper than any manifest; an alias within its own anchor is endless."""


class Manifest(msgspec.Struct, frozen=True):
    """One object of one document."""

    file: str
    value: Any
    lines: dict[str, int]
    """Line of every path, from 1; a path that is not written has none."""
    prefix: str = ""
    """Where the object stands in its document, as in ``items[2]``."""
    asked: bool = True
    """The file was named itself, not found in a folder."""

    def line(self, path: str) -> int:
        """Where the path stands, or the nearest one around it."""
        here = at(self.prefix, path) if self.prefix and path else self.prefix or path
        while here and here not in self.lines:
            here = _parent(here, self.lines)
        return self.lines.get(here, 1)


class Unread(msgspec.Struct, frozen=True):
    """A document that is not YAML."""

    file: str
    line: int
    message: str


class Unfit(ValueError):
    """YAML that is no manifest: a key twice, a key that is no text, more than anybody wrote."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def _parent(path: str, lines: dict[str, int]) -> str:
    """The longest written path that this one begins with; keys may have dots in them."""
    for end in range(len(path) - 1, 0, -1):
        if path[end] in ".[" and path[:end] in lines:
            return path[:end]
    return ""


# -- files -----------------------------------------------------------------------------------------------------


def found(names: tuple[str, ...]) -> list[tuple[str, bool]]:
    """The files that the arguments mean, in order; those of a folder are not asked for by name.

    Raises FileNotFoundError for one that does not exist and for a folder without manifests.
    """
    return [pair for name in dict.fromkeys(names) for pair in _found(name)]


def _found(name: str) -> list[tuple[str, bool]]:
    path = Path(name)
    if name == STDIN or path.is_file() or path.is_fifo() or path.is_char_device():
        return [(name, True)]
    if not path.is_dir():
        raise FileNotFoundError(f"{name}: no such file or folder")
    inside = sorted(one for one in path.rglob("*") if one.suffix in SUFFIXES and one.is_file())
    if not inside:
        raise FileNotFoundError(f"{name}: no *.yaml, *.yml or *.json in this folder")
    return [(str(one), False) for one in inside]


def read(name: str, asked: bool = True) -> list[Manifest | Unread]:
    """Every object of a file (``-`` for the standard input); OSError when it cannot be opened."""
    shown = "<stdin>" if name == STDIN else name
    raw = sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = raw[: wrong.start].count(b"\n") + 1
        return [Unread(shown, line, f"byte 0x{raw[wrong.start]:02x} is not UTF-8; save the file as UTF-8")]
    return list(parsed(text, shown, asked))


def parsed(text: str, file: str = "<stdin>", asked: bool = True) -> Iterator[Manifest | Unread]:
    """Every object of a text of one or more documents; Lists are taken apart."""
    for first, document in _documents(text):
        try:
            value, lines = _loaded(document, first)
        except Unfit as unfit:
            yield _unfit(file, unfit, document)
        except yaml.YAMLError as wrong:
            yield _unread(file, first, wrong, document)
        else:
            if value is not None:
                yield from _taken_apart(Manifest(file, value, lines, asked=asked))


def _documents(text: str) -> Iterator[tuple[int, str]]:
    """Each document with the number of lines before it; a line that begins with ``---`` always parts two."""
    lines = text.splitlines(keepends=True)
    starts = [0, *(number for number, line in enumerate(lines) if re.match(r"---(\s|$)", line))]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        part = "".join(lines[start:end])
        if not all(line.strip() == "" or line.startswith(("#", "%")) for line in part.splitlines()):
            yield start, part


def _unread(file: str, first: int, wrong: yaml.YAMLError, document: str) -> Unread:
    mark = getattr(wrong, "problem_mark", None)
    words = getattr(wrong, "problem", None) or str(wrong)
    context = getattr(wrong, "context", None)
    message = f"not YAML: {words}{f' ({context})' if context else ''}"
    if mark and "\t" in "".join(document.splitlines()[mark.line : mark.line + 1]):
        message += "; YAML is indented with spaces, not tabs"
    line = first + (mark.line if mark else 0) + 1
    return Unread(file, line, message + _template(document))


def _unfit(file: str, unfit: Unfit, document: str) -> Unread:
    return Unread(file, unfit.line, f"{unfit}{_template(document)}")


def _template(document: str) -> str:
    if "{{" not in document:
        return ""
    return "; this looks like a template: render it first, as in `helm template . | scaler validate -`"


def _taken_apart(manifest: Manifest) -> Iterator[Manifest]:
    """The items of a List, each by itself."""
    value = manifest.value
    items = value.get("items") if isinstance(value, dict) else None
    if not isinstance(items, list) or not str(value.get("kind", "")).endswith("List"):
        yield manifest
        return
    for index, item in enumerate(items):
        here = at(at(manifest.prefix, "items"), index)
        yield from _taken_apart(msgspec.structs.replace(manifest, value=item, prefix=here))


# -- one document ----------------------------------------------------------------------------------------------

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc] # libyaml's loader where PyYAML was built with it
    """PyYAML with the scalars that Kubernetes' YAML knows."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _NOT_OURS]
    for _NOT_OURS in [{"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"}]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int",
    re.compile(r"^[-+]?(?:0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|0o?[0-7_]+|0b[01_]+)$"),
    list("-+0123456789"),
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$|^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$"
    ),
    list("-+0123456789."),
)


def _loaded(document: str, first: int) -> tuple[Any, dict[str, int]]:
    loader = _Loader(_spaced(document))
    try:
        node = loader.get_single_node()
        if node is None:
            return None, {}
        walk = _Walk(loader, first)
        return walk.value(node, ""), walk.lines
    finally:
        loader.dispose()


def _spaced(document: str) -> str:
    """JSON may be indented with tabs; YAML may not."""
    return document.replace("\t", "  ") if document.lstrip("- \n").startswith(("{", "[")) else document


class _Walk:
    """Builds the value of a node, and notes the line of each path on the way."""

    def __init__(self, loader: Any, first: int) -> None:
        self.loader = loader
        self.first = first
        self.lines: dict[str, int] = {}
        self.nodes = 0
        self.level = 0

    def value(self, node: Any, path: str, line: int | None = None) -> Any:
        here = self._line(node)
        self.nodes += 1
        if self.nodes > MOST_NODES or self.level > MOST_LEVELS:
            raise Unfit(f"more than {MOST_NODES:,} values or {MOST_LEVELS} levels, aliases counted in full", here)
        self.lines.setdefault(path, line or here)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        self.level += 1
        try:
            return self._collection(node, path)
        finally:
            self.level -= 1

    def _line(self, node: Any) -> int:
        return int(self.first + node.start_mark.line + 1)

    def _collection(self, node: Any, path: str) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        return [self.value(item, at(path, index)) for index, item in enumerate(node.value)]

    def _mapping(self, node: Any, path: str) -> dict[str, Any]:
        self._check_keys(node)
        self.loader.flatten_mapping(node)
        made: dict[str, Any] = {}
        for key, value in node.value:
            made[key.value] = self.value(value, at(path, key.value), self._line(key))
        return made

    def _check_keys(self, node: Any) -> None:
        seen: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise Unfit("a key must be a text", self._line(key))
            if key.value in seen and key.value != "<<":
                words = f"the key {key.value!r} stands here a second time, after line {seen[key.value]}"
                raise Unfit(words, self._line(key))
            seen[key.value] = self._line(key)

    def _scalar(self, node: Any) -> Any:
        if node.tag == "tag:yaml.org,2002:float":
            return float(node.value.replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))
        if node.tag == "tag:yaml.org,2002:int":
            return _whole(node.value)
        return self.loader.construct_object(node, deep=True)


def _whole(text: str) -> int:
    plain = text.replace("_", "").lower()
    sign, digits = (-1, plain[1:]) if plain.startswith("-") else (1, plain.removeprefix("+"))
    if digits.startswith("0") and digits[1:2].isdigit():
        return sign * int(digits, 8)
    return sign * int(digits, 0)
