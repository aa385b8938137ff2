"""From words to a tree: precedence and forms of expr-lang 1.17.

=====  ======================================  ============================================================
bind   operators                               notes
=====  ======================================  ============================================================
0      ``|``                                   the value before it becomes the first argument after it
10     ``or`` ``||``
15     ``and`` ``&&``
20     ``== != < > <= >= in matches`` ...      ``1 < a < 5`` means both; ``not in`` and the like exist
25     ``..``
30     ``+ -``
50     ``not`` ``!``                           before its operand, so ``not a in b`` negates a
60     ``* / %``
90     ``- +`` before their operand            ``-2 ** 2`` is -4
100    ``** ^``                                from the right
500    ``??``                                  refuses other operators after it without parentheses
=====  ======================================  ============================================================

``?:`` binds weakest of all; ``if a { b } else { c }`` is the same in other words.
"""

from typing import Final

from scaler.horizontal.formula import tree
from scaler.horizontal.formula.errors import Fault
from scaler.horizontal.formula.lexer import Token
from scaler.horizontal.formula.operands import Operands

_BINARY: Final = {
    "|": 0,
    "or": 10,
    "||": 10,
    "and": 15,
    "&&": 15,
    "==": 20,
    "!=": 20,
    "<": 20,
    ">": 20,
    ">=": 20,
    "<=": 20,
    "in": 20,
    "matches": 20,
    "contains": 20,
    "startsWith": 20,
    "endsWith": 20,
    "..": 25,
    "+": 30,
    "-": 30,
    "*": 60,
    "/": 60,
    "%": 60,
    "**": 100,
    "^": 100,
    "??": 500,
}
_FROM_THE_RIGHT: Final = frozenset({"**", "^"})
_COMPARISONS: Final = frozenset({"<", ">", ">=", "<="})
_NEGATABLE: Final = frozenset({"in", "matches", "contains", "startsWith", "endsWith"})
_DEEPEST_NESTING: Final = 60
_DEEPEST_TREE: Final = 150


class Parser(Operands):
    """Reads one text as a tree."""

    _nesting = 0

    def parse(self, *, sequence: bool) -> tree.Node:
        """Give the tree of the whole text, of one expression or of several with semicolons between.

        Raises Fault where it goes wrong.
        """
        if self._peek().kind == "end":
            raise Fault("the formula is empty", 0)
        root = self._sequence() if sequence else self._expression(0)
        if self._peek().kind != "end":
            raise self._unexpected()
        if tree.depth(root) > _DEEPEST_TREE:
            raise Fault(f"the formula is nested deeper than {_DEEPEST_TREE} levels", 0)
        return root

    def _sequence(self) -> tree.Node:
        items = [self._expression(0)]
        while self._peek().is_operator(";"):
            self._next()
            if self._peek().kind == "end":
                break
            items.append(self._expression(0))
        return items[0] if len(items) == 1 else tree.Sequence(items[0].at, tuple(items))

    def _expression(self, precedence: int) -> tree.Node:
        self._nesting += 1
        if self._nesting > _DEEPEST_NESTING:
            raise Fault(f"the formula is nested deeper than {_DEEPEST_NESTING} levels", self._peek().at)
        try:
            if precedence == 0 and self._peek().is_operator("let"):
                return self._let()
            if precedence == 0 and self._peek().is_operator("if"):
                return self._if()
            left = self._binary(self._primary(), precedence)
            return self._ternary(left) if precedence == 0 else left
        finally:
            self._nesting -= 1

    def _binary(self, left: tree.Node, precedence: int) -> tree.Node:
        previous = ""
        while True:
            negated = self._negation(precedence)
            token = self._peek()
            if token.kind != "operator" or _BINARY.get(token.text, -1) < precedence:
                return left
            if previous == "??" and token.text not in {"??", "|"}:
                raise Fault(f'"??" and "{token.text}" do not mix: put parentheses around one of them', token.at)
            self._next()
            left = self._operation(left, token)
            if negated is not None:
                left = tree.Unary(negated.at, "not", left)
            previous = token.text

    def _negation(self, precedence: int) -> Token | None:
        """Go past the `not` of `not in` and the like, if it belongs to this precedence."""
        if not self._peek().is_operator("not"):
            return None
        following = self._following()
        if not following.is_operator(*_NEGATABLE):
            raise self._unexpected()
        return self._next() if _BINARY[following.text] >= precedence else None

    def _operation(self, left: tree.Node, token: Token) -> tree.Node:
        if token.text == "|":
            return self._call(self._expect_name('a function after "|"'), (left,))
        precedence = _BINARY[token.text]
        if token.text in _COMPARISONS:
            return self._comparison(left, token)
        right = self._expression(precedence if token.text in _FROM_THE_RIGHT else precedence + 1)
        return tree.Binary(token.at, token.text, left, right)

    def _comparison(self, left: tree.Node, token: Token) -> tree.Node:
        """Read a chain of comparisons as all of them together."""
        together: tree.Node | None = None
        while True:
            right = self._expression(_BINARY[token.text] + 1)
            one = tree.Binary(token.at, token.text, left, right)
            together = one if together is None else tree.Binary(token.at, "&&", together, one)
            if not self._peek().is_operator(*_COMPARISONS):
                return together
            left, token = right, self._next()

    def _let(self) -> tree.Node:
        self._next()
        name = self._expect_name("a name")
        self._expect("=")
        value = self._expression(0)
        self._expect(";")
        return tree.Let(name.at, name.text, value, self._sequence())

    def _if(self) -> tree.Node:
        at = self._next().at
        condition = self._expression(0)
        then = self._block()
        if not self._peek().is_operator("else"):
            raise self._unexpected('"else"')
        self._next()
        otherwise = self._if() if self._peek().is_operator("if") else self._block()
        return tree.Conditional(at, condition, then, otherwise)

    def _ternary(self, node: tree.Node) -> tree.Node:
        while self._peek().is_operator("?"):
            at = self._next().at
            # `a ?: b` gives a itself if it is true.
            then = node if self._peek().is_operator(":") else self._expression(0)
            self._expect(":")
            node = tree.Conditional(at, node, then, self._expression(0))
        return node
