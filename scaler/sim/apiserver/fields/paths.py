"""Sets of fields: paths of an object, what changed between two, and the spelling that managedFields have (FieldsV1).

A path is a tuple of elements such as ``f:data`` for a member, ``k:{"name":"main"}`` for an item by its keys and
``v:"x"`` for an item of a set. Source: structured-merge-diff, as Kubernetes 1.36 uses it.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from scaler.sim.apiserver.fields.shapes import Shape

Object = dict[str, Any]
Path = tuple[str, ...]
Paths = frozenset[Path]

ABSENT = msgspec.UNSET
NOBODYS = frozenset(
    {
        ("f:apiVersion",),
        ("f:kind",),
        ("f:metadata",),
        *(
            ("f:metadata", f"f:{name}")
            for name in (
                "name",
                "namespace",
                "creationTimestamp",
                "selfLink",
                "uid",
                "generation",
                "managedFields",
                "resourceVersion",
                "deletionTimestamp",
                "deletionGracePeriodSeconds",
            )
        ),
    }
)
"""What the server alone says."""
DEFAULTS = {"protocol": "TCP"}
"""Keys of items that need not be said."""


class Difference:
    """What became of the fields of an object."""

    def __init__(self) -> None:
        self.added: set[Path] = set()
        self.changed: set[Path] = set()
        self.removed: set[Path] = set()

    @property
    def set(self) -> Paths:
        """The fields that have a value they had not."""
        return frozenset(self.added | self.changed)


def difference(old: Object, new: Object, shape: Shape) -> Difference:
    """From one version of an object to the next; the first one's `old` is empty."""
    found = Difference()
    _compare(old, new, (), shape, found)
    found.added -= NOBODYS
    found.changed -= NOBODYS
    found.removed -= NOBODYS
    return found


def _compare(old: Any, new: Any, path: Path, shape: Shape, found: Difference) -> None:
    if old is new:
        return
    if old is ABSENT:
        found.added.update(_all(new, path, shape))
    elif new is ABSENT:
        found.removed.update(_all(old, path, shape))
    elif is_granular(old, shape) and is_granular(new, shape):
        before, after = dict(children(old, shape)), dict(children(new, shape))
        for element in before.keys() | after.keys():
            one, other = before.get(element), after.get(element)
            part = (other or one or (ABSENT, shape))[1]
            _compare(one[0] if one else ABSENT, other[0] if other else ABSENT, (*path, element), part, found)
    elif old != new:
        found.changed.add(path)


def is_granular(value: Any, shape: Shape) -> bool:
    """Whether the parts of a value have owners of their own."""
    if isinstance(value, dict):
        return not shape.is_whole
    return isinstance(value, list) and bool(shape.apart() or shape.is_set)


def children(value: Any, shape: Shape) -> Iterator[tuple[str, tuple[Any, Shape]]]:
    """The parts of a granular value, each with its shape, by their elements."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield f"f:{name}", (member, shape.member(name, member))
    elif shape.is_set:
        yield from ((f"v:{_json(item)}", (item, shape.items())) for item in value)
    else:
        yield from ((element_of(item, shape), (item, shape.items())) for item in value)


def element_of(item: Any, shape: Shape) -> str:
    """How an item of a keyed list is called."""
    held = item if isinstance(item, dict) else {}
    named = {key: held.get(key, DEFAULTS.get(key)) for key in shape.apart()}
    return f"k:{_json({key: value for key, value in named.items() if value is not None})}"


def _all(value: Any, path: Path, shape: Shape) -> Iterator[Path]:
    """Every field below a value, and the value itself unless it always exists."""
    if not shape.is_there and path:
        yield path
    if is_granular(value, shape):
        for element, (part, below) in children(value, shape):
            yield from _all(part, (*path, element), below)


def owned(config: Object, shape: Shape) -> Paths:
    """The fields that someone owns who applies this: its leaves, and the items of its keyed lists."""
    return frozenset(_leaves(config, (), shape)) - NOBODYS


def _leaves(value: Any, path: Path, shape: Shape) -> Iterator[Path]:
    if shape.item and path:
        yield path
    if not (value and is_granular(value, shape)):
        yield path
        return
    for element, (part, below) in children(value, shape):
        yield from _leaves(part, (*path, element), below)


def _json(value: Any) -> str:
    return msgspec.json.encode(value, order="sorted").decode()


# -- spelling --------------------------------------------------------------------------------------------------


def encoded(paths: Iterable[Path]) -> Object:
    """FieldsV1: a tree; ``.`` says that a field with others below is itself among them."""
    tree: Object = {}
    for path in paths:
        node = tree
        for element in path:
            node = node.setdefault(element, {})
        node["."] = {}
    return {element: _tidied(node) for element, node in sorted(tree.items())}


def _tidied(node: Object) -> Object:
    return {} if node.keys() == {"."} else {element: _tidied(below) for element, below in sorted(node.items())}


def decoded(tree: Object) -> Paths:
    """The paths of a FieldsV1."""
    return frozenset(_decoded(tree, ()))


def _decoded(tree: Object, path: Path) -> Iterator[Path]:
    for element, below in tree.items():
        if element == ".":
            yield path
        elif not below:
            yield (*path, element)
        else:
            yield from _decoded(below, (*path, element))


def spelled(path: Path) -> str:
    """A path as people read it: ``.spec.containers[name="main"].image``."""
    return "".join(_spelled(element) for element in path)


def _spelled(element: str) -> str:
    kind, _, rest = element.partition(":")
    if kind == "f":
        return f".{rest}"
    value = msgspec.json.decode(rest)
    if kind == "v":
        return f"[={_json(value)}]"
    return "[" + ",".join(f"{key}={_json(one)}" for key, one in sorted(value.items())) + "]"
