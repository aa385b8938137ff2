"""The words of a formula: numbers, strings, names, operators. What they mean together is the parser's business."""

import re
from typing import Final, Literal, NamedTuple

from scaler.horizontal.formula.errors import Fault

Kind = Literal["number", "string", "name", "operator", "bracket", "end"]

WORD_OPERATORS: Final = frozenset(
    {"not", "in", "or", "and", "matches", "contains", "startsWith", "endsWith", "let", "if", "else"}
)
_MOST_TOKENS: Final = 10_000
"""As many as the nodes that upstream allows."""
_TOKEN: Final = re.compile(
    r"""
    (?P<space> \s+ | //[^\n]* | /\*.*?\*/ )
  | (?P<number> 0[xX][0-9a-fA-F_]* | 0[oO][0-7_]* | 0[bB][01_]*
              | (?: [0-9][0-9_]* (?: \.(?!\.)[0-9_]* )? | \.[0-9][0-9_]* ) (?: [eE][+-]?[0-9_]* )? )
  | (?P<string> "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' | `(?:[^`]|``)*` )
  | (?P<name> [^\W\d][\w$]* | \$[\w$]* )
  | (?P<operator> \?\? | \?\. | \|\| | :: | && | != | == | <= | >= | \*\* | \.\. | /(?!\*) | [,;%+\-^!=*<>&.\#?|:] )
  | (?P<bracket> [()\[\]{}] )
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE: Final = re.compile(
    r"\\(?:(?P<octal>[0-7]{3})|x(?P<x>[0-9a-fA-F]{2})|u(?P<u>[0-9a-fA-F]{4})|U(?P<U>[0-9a-fA-F]{8})"
    r"|u\{(?P<braced>[0-9a-fA-F]{1,6})\}|(?P<one>.))",
    re.DOTALL,
)
_ONE_CHARACTER: Final = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    '"': '"',
    "'": "'",
}


class Token(NamedTuple):
    """One word and where it stands."""

    kind: Kind
    text: str
    """As written; of a string its content."""
    at: int

    def is_operator(self, *texts: str) -> bool:
        return self.kind == "operator" and self.text in texts

    def is_bracket(self, text: str) -> bool:
        return self.kind == "bracket" and self.text == text


def read_tokens(text: str) -> list[Token]:
    """Part a formula into its words; the last one is its end.

    Raises Fault at what is no word.
    """
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise Fault(_no_word(text, at), at)
        if match.lastgroup != "space":
            tokens.append(_token(match, text))
        at = match.end()
    if len(tokens) > _MOST_TOKENS:
        raise Fault(f"the formula is too long: at most {_MOST_TOKENS} words", 0)
    return [*tokens, Token("end", "", len(text))]


def _token(match: re.Match[str], text: str) -> Token:
    word, at = match.group(), match.start()
    match match.lastgroup:
        case "number":
            follower = text[match.end() : match.end() + 1]
            if follower.isalnum() or follower in {"_", "$"} - {""}:
                raise Fault(f'"{word}{follower}" is not a number', at)
            return Token("number", word, at)
        case "string":
            content = word[1:-1]
            return Token("string", content.replace("``", "`") if word[0] == "`" else _unescaped(content, at), at)
        case "name":
            return Token("operator" if word in WORD_OPERATORS else "name", word, at)
        case "bracket":
            return Token("bracket", word, at)
        case _:
            return Token("operator", word, at)


def _unescaped(content: str, at: int) -> str:
    def character(match: re.Match[str]) -> str:
        one = match["one"]
        if one is not None:
            if one not in _ONE_CHARACTER:
                raise Fault(f'"\\{one}" is not an escape', at + 1 + match.start())
            return _ONE_CHARACTER[one]
        if match["octal"] is not None:
            return chr(int(match["octal"], 8))
        code = int(match["x"] or match["u"] or match["U"] or match["braced"], 16)
        if code > 0x10FFFF:
            raise Fault(f'"{match.group()}" is not a character', at + 1 + match.start())
        return chr(code)

    return _ESCAPE.sub(character, content)


def _no_word(text: str, at: int) -> str:
    if text[at] in "\"'`":
        return "the string is not closed"
    if text.startswith("/*", at):
        return "the comment is not closed"
    return f'"{text[at]}" has no meaning in a formula'
