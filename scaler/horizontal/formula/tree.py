"""A formula as a tree. Every node knows where it stands in the text; none knows what it is worth."""

import msgspec


class Node(msgspec.Struct, frozen=True):
    """Anything that has a value."""

    at: int
    """Where an error about it points."""


class Number(Node, frozen=True):
    """A literal, an int or a float as it is written."""

    value: int | float


class Text(Node, frozen=True):
    """A string literal."""

    value: str


class Boolean(Node, frozen=True):
    """True or false."""

    value: bool


class Nil(Node, frozen=True):
    """Nothing."""


class Name(Node, frozen=True):
    """A variable: a trigger's or one declared with let."""

    name: str


class Pointer(Node, frozen=True):
    """The element a predicate looks at (`#`), or `#acc`, `#index`."""

    name: str


class Unary(Node, frozen=True):
    """An operator before its operand."""

    operator: str
    operand: Node


class Binary(Node, frozen=True):
    """An operator between its operands."""

    operator: str
    left: Node
    right: Node


class Conditional(Node, frozen=True):
    """`condition ? this : that`, or the same with if and else."""

    condition: Node
    then: Node
    otherwise: Node


class Member(Node, frozen=True):
    """An element of an array or a map."""

    base: Node
    key: Node
    optional: bool
    """Whether nil has nil for its members (`?.`)."""


class Slice(Node, frozen=True):
    """A part of an array or a string."""

    base: Node
    begin: Node | None
    end: Node | None


class Call(Node, frozen=True):
    """A function of expr, by its name."""

    name: str
    arguments: tuple[Node, ...]


class Method(Node, frozen=True):
    """A call of what is no function by name: a method, or a variable by mistake."""

    callee: Node
    arguments: tuple[Node, ...]


class Array(Node, frozen=True):
    """`[a, b]`."""

    items: tuple[Node, ...]


class Map(Node, frozen=True):
    """`{key: value}`."""

    keys: tuple[Node, ...]
    values: tuple[Node, ...]


class Let(Node, frozen=True):
    """`let name = value; body`."""

    name: str
    value: Node
    body: Node


class Sequence(Node, frozen=True):
    """Several expressions of which the last one counts."""

    items: tuple[Node, ...]


def depth(root: Node) -> int:
    """Give how deep a tree is, without going deep oneself."""
    deepest, left = 0, [(root, 1)]
    while left:
        node, level = left.pop()
        deepest = max(deepest, level)
        for field in node.__struct_fields__:
            value = getattr(node, field)
            children = value if isinstance(value, tuple) else (value,)
            left += [(child, level + 1) for child in children if isinstance(child, Node)]
    return deepest
