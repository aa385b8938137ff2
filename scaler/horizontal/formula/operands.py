"""The operands of a formula: literals, names, calls, arrays, maps, and members of any of them."""

import abc
from collections.abc import Collection
from typing import Final

from scaler.horizontal.formula import tree
from scaler.horizontal.formula.cursor import Cursor
from scaler.horizontal.formula.errors import Fault
from scaler.horizontal.formula.lexer import WORD_OPERATORS, Token

_UNARY: Final = {"not": 50, "!": 50, "-": 90, "+": 90}
_PREDICATES: Final = frozenset(
    "all none any one filter map count sum find findIndex findLast findLastIndex groupBy sortBy reduce".split()  # noqa: SIM905
)
"""Functions whose second argument is looked at for every element."""
_LARGEST_INTEGER: Final = 2**63 - 1


class Operands(Cursor, abc.ABC):
    """Reads operands. `variables` are the names that hide functions of the same name."""

    def __init__(self, text: str, variables: Collection[str]) -> None:
        super().__init__(text)
        self._variables = frozenset(variables)
        self._predicates = 0

    @abc.abstractmethod
    def _expression(self, precedence: int) -> tree.Node:
        """Read an expression of operators that bind at least as much as `precedence`."""

    @abc.abstractmethod
    def _sequence(self) -> tree.Node:
        """Read expressions with semicolons between."""

    def _block(self) -> tree.Node:
        self._expect("{")
        block = self._sequence()
        self._expect("}")
        return block

    def _primary(self) -> tree.Node:
        token = self._peek()
        if token.kind == "operator" and token.text in _UNARY:
            self._next()
            operand = self._expression(_UNARY[token.text])
            return self._postfix(tree.Unary(token.at, token.text, operand))
        if token.is_bracket("("):
            self._next()
            inner = self._sequence()
            self._expect(")")
            return self._postfix(inner)
        if self._predicates and token.is_operator("#", "."):
            return self._postfix(self._pointer())
        if token.is_operator("::"):
            self._next()
            return self._postfix(self._call(self._expect_name("a function"), (), hidden=False))
        return self._secondary()

    def _pointer(self) -> tree.Node:
        token = self._peek()
        name = ""
        if token.text == "#":
            self._next()
            name = self._next().text if self._peek().kind == "name" else ""
        return tree.Pointer(token.at, name)

    def _secondary(self) -> tree.Node:
        token = self._peek()
        match token.kind:
            case "name":
                self._next()
                return self._named(token)
            case "number":
                self._next()
                return tree.Number(token.at, _number(token))
            case "string":
                self._next()
                return self._postfix(tree.Text(token.at, token.text))
        if token.is_bracket("["):
            return self._postfix(self._array())
        if token.is_bracket("{"):
            return self._postfix(self._map())
        raise self._unexpected("a value")

    def _named(self, token: Token) -> tree.Node:
        match token.text:
            case "true" | "false":
                return tree.Boolean(token.at, token.text == "true")
            case "nil":
                return tree.Nil(token.at)
        if self._peek().is_bracket("("):
            return self._postfix(self._call(token, ()))
        return self._postfix(tree.Name(token.at, token.text))

    def _array(self) -> tree.Node:
        at = self._expect("[").at
        return tree.Array(at, tuple(self._list("]")))

    def _list(self, end: str) -> list[tree.Node]:
        """Read expressions with commas between, up to and with the closing bracket."""
        items: list[tree.Node] = []
        while not self._peek().is_bracket(end):
            if items:
                self._expect_comma(end)
                if self._peek().is_bracket(end):
                    break
            items.append(self._expression(0))
        self._expect(end)
        return items

    def _map(self) -> tree.Node:
        at = self._expect("{").at
        keys: list[tree.Node] = []
        values: list[tree.Node] = []
        while not self._peek().is_bracket("}"):
            if keys:
                self._expect_comma("}")
                if self._peek().is_bracket("}"):
                    break
            keys.append(self._map_key())
            self._expect(":")
            values.append(self._expression(0))
        self._expect("}")
        return tree.Map(at, tuple(keys), tuple(values))

    def _map_key(self) -> tree.Node:
        token = self._peek()
        if token.kind in {"name", "string", "number"}:
            self._next()
            return tree.Text(token.at, token.text)
        if token.is_bracket("("):
            return self._expression(0)
        raise self._unexpected("a key")

    def _call(self, token: Token, before: tuple[tree.Node, ...], *, hidden: bool = True) -> tree.Node:
        """Read the arguments of a call; `before` are those that a pipe put before them."""
        if hidden and token.text in self._variables:
            arguments = self._arguments()
            return tree.Method(token.at, tree.Name(token.at, token.text), (*before, *arguments))
        if token.text not in _PREDICATES:
            return tree.Call(token.at, token.text, (*before, *self._arguments()))
        return tree.Call(token.at, token.text, (*before, *self._predicate_arguments(len(before))))

    def _arguments(self) -> list[tree.Node]:
        self._expect("(")
        return self._list(")")

    def _predicate_arguments(self, given: int) -> list[tree.Node]:
        self._expect("(")
        arguments: list[tree.Node] = []
        while not self._peek().is_bracket(")"):
            if arguments:
                self._expect_comma(")")
                if self._peek().is_bracket(")"):
                    break
            is_predicate = given + len(arguments) == 1
            arguments.append(self._predicate() if is_predicate else self._expression(0))
        self._expect(")")
        return arguments

    def _predicate(self) -> tree.Node:
        self._predicates += 1
        try:
            return self._block() if self._peek().is_bracket("{") else self._expression(0)
        finally:
            self._predicates -= 1

    def _postfix(self, node: tree.Node) -> tree.Node:
        while True:
            token = self._peek()
            if token.is_operator(".", "?."):
                self._next()
                optional = token.text == "?."
                if optional and self._peek().is_bracket("["):
                    node = self._subscript(node, optional=True)
                else:
                    node = self._property(node, optional=optional)
            elif token.is_bracket("["):
                node = self._subscript(node, optional=False)
            else:
                return node

    def _property(self, node: tree.Node, *, optional: bool) -> tree.Node:
        token = self._peek()
        if token.kind != "name" and token.text not in WORD_OPERATORS:
            raise self._unexpected("a name")
        self._next()
        member = tree.Member(token.at, node, tree.Text(token.at, token.text), optional)
        if self._peek().is_bracket("("):
            return tree.Method(token.at, member, tuple(self._arguments()))
        return member

    def _subscript(self, node: tree.Node, *, optional: bool) -> tree.Node:
        at = self._expect("[").at
        begin = None if self._peek().is_operator(":") else self._expression(0)
        if not self._peek().is_operator(":"):
            assert begin is not None
            self._expect("]")
            return tree.Member(at, node, begin, optional)
        self._next()
        end = None if self._peek().is_bracket("]") else self._expression(0)
        self._expect("]")
        return tree.Slice(at, node, begin, end)


def _number(token: Token) -> int | float:
    text = token.text.replace("_", "").lower()
    try:
        if text.startswith(("0x", "0o", "0b")):
            value: int | float = int(text, 0)
        else:
            value = float(text) if "." in text or "e" in text else int(text)
    except ValueError:
        raise Fault(f'"{token.text}" is not a number', token.at) from None
    if (isinstance(value, int) and value > _LARGEST_INTEGER) or value == float("inf"):
        raise Fault(f'"{token.text}" is too large for a number', token.at)
    return value
