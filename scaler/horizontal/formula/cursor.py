"""A walk along the words of a formula: look, take, demand, and say what is wrong."""

from typing import Final

from scaler.horizontal.formula.errors import Fault
from scaler.horizontal.formula.lexer import Token, read_tokens

_INSTEAD_OF: Final = {
    "=": "compare with ==",
    "&": "write && or and",
    ";": "a formula is one expression",
    "else": "write if condition { ... } else { ... }, or condition ? ... : ...",
}


class Cursor:
    """A place in the words of one text."""

    def __init__(self, text: str) -> None:
        self._tokens = read_tokens(text)
        self._at = 0

    def _peek(self) -> Token:
        return self._tokens[self._at]

    def _following(self) -> Token:
        return self._tokens[min(self._at + 1, len(self._tokens) - 1)]

    def _next(self) -> Token:
        token = self._peek()
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def _unexpected(self, belongs: str = "") -> Fault:
        token = self._peek()
        found = "the formula ends" if token.kind == "end" else f'found "{token.text}"'
        hint = f" where {belongs} belongs" if belongs else " where an operator or the end belongs"
        instead = _INSTEAD_OF.get(token.text) if token.kind == "operator" else None
        return Fault(f"{found}{hint}" + (f": {instead}" if instead else ""), token.at)

    def _expect(self, text: str) -> Token:
        if self._peek().kind not in {"operator", "bracket"} or self._peek().text != text:
            raise self._unexpected(f'"{text}"')
        return self._next()

    def _expect_comma(self, end: str) -> None:
        """Go past the comma of a list that `end` closes."""
        if not self._peek().is_operator(","):
            raise self._unexpected(f'"," or "{end}"')
        self._next()

    def _expect_name(self, belongs: str) -> Token:
        if self._peek().kind != "name":
            raise self._unexpected(belongs)
        return self._next()
