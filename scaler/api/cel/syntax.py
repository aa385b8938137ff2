"""CEL's grammar: a text becomes a function from variables to a value.

Each node is a closure, so that evaluating needs no tree walk and no dispatch on kinds of nodes.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from scaler.api.cel import functions
from scaler.api.cel.functions import Failed

Variables = Mapping[str, Any]
Evaluate = Callable[[Variables], Any]

TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>(?:0x[0-9a-fA-F]+|\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\d+))u?
    | (?P<text>[rR]?(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'))
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign>\|\||&&|==|!=|<=|>=|\.\?|\[\?|[-+*/%!<>?:.,()\[\]{}])
    )""",
    re.VERBOSE,
)

ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}

RELATIONS = ("<=", ">=", "<", ">", "==", "!=", "in")
MACROS = frozenset({"all", "exists", "exists_one", "map", "filter"})
CONSTANTS: dict[str, Any] = {"true": True, "false": False, "null": None}


def parse(text: str) -> Evaluate:
    """The whole text as one expression; ValueError names the place that cannot be read."""
    parser = _Parser(text)
    expression = parser.conditional()
    if parser.sign is not None:
        raise ValueError(f"cannot read {text!r} at {parser.sign!r}")
    return expression


def _tokens(text: str) -> list[tuple[str, str]]:
    found, place = [], 0
    end = len(text.rstrip())
    while place < end:
        match = TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise ValueError(f"cannot read {text!r} at character {place}")
        found.append((match.lastgroup, match[match.lastgroup]))
        place = match.end()
    return found


class _Parser:
    """Recursive descent, a method for each level of binding."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokens(text)
        self.place = 0

    @property
    def sign(self) -> str | None:
        return self.tokens[self.place][1] if self.place < len(self.tokens) else None

    def taken(self, *signs: str) -> str | None:
        if self.place < len(self.tokens) and self.tokens[self.place][0] != "text" and self.sign in signs:
            self.place += 1
            return self.tokens[self.place - 1][1]
        return None

    def expect(self, sign: str) -> None:
        if self.taken(sign) is None:
            raise ValueError(f"cannot read {self.text!r}: expected {sign!r}, found {self.sign or 'the end'!r}")

    def conditional(self) -> Evaluate:
        condition = self.disjunction()
        if not self.taken("?"):
            return condition
        yes = self.conditional()
        self.expect(":")
        no = self.conditional()
        return lambda names: yes(names) if functions.truth(condition(names)) else no(names)

    def disjunction(self) -> Evaluate:
        left = self.conjunction()
        while self.taken("||"):
            left = _either(left, self.conjunction(), settles=True)
        return left

    def conjunction(self) -> Evaluate:
        left = self.relation()
        while self.taken("&&"):
            left = _either(left, self.relation(), settles=False)
        return left

    def relation(self) -> Evaluate:
        left = self.sum()
        while operator := self.taken(*RELATIONS):
            left = _binary(functions.OPERATORS[operator], left, self.sum())
        return left

    def sum(self) -> Evaluate:
        left = self.product()
        while operator := self.taken("+", "-"):
            left = _binary(functions.OPERATORS[operator], left, self.product())
        return left

    def product(self) -> Evaluate:
        left = self.unary()
        while operator := self.taken("*", "/", "%"):
            left = _binary(functions.OPERATORS[operator], left, self.unary())
        return left

    def unary(self) -> Evaluate:
        if self.taken("!"):
            inner = self.unary()
            return lambda names: not functions.truth(inner(names))
        if self.taken("-"):
            inner = self.unary()
            return lambda names: functions.number(inner(names)) * -1
        return self.member(self.primary())

    def member(self, target: Evaluate) -> Evaluate:
        while step := self.taken(".", ".?", "["):
            if step == "[":
                key = self.conditional()
                self.expect("]")
                target = _binary(functions.indexed, target, key)
            elif step == ".?":
                target = _selected(target, self.name(), functions.optional_field)
            else:
                target = self.dotted(target)
        return target

    def dotted(self, target: Evaluate) -> Evaluate:
        name = self.name()
        if not self.taken("("):
            return _selected(target, name, functions.field)
        if name in MACROS:
            return self.macro(name, target)
        return _called(name, [target, *self.arguments(")")])

    def name(self) -> str:
        kind, text = self.tokens[self.place] if self.place < len(self.tokens) else ("end", "the end")
        if kind != "name":
            raise ValueError(f"cannot read {self.text!r}: expected a name, found {text!r}")
        self.place += 1
        return text

    def arguments(self, end: str) -> list[Evaluate]:
        found: list[Evaluate] = []
        while not self.taken(end):
            if found:
                self.expect(",")
            found.append(self.conditional())
        return found

    def macro(self, macro: str, target: Evaluate) -> Evaluate:
        name = self.name()
        self.expect(",")
        steps = self.arguments(")")
        return lambda names: functions.folded(macro, target(names), name, steps, names)

    def primary(self) -> Evaluate:
        if self.taken("("):
            inner = self.conditional()
            self.expect(")")
            return inner
        if self.taken("["):
            items = self.arguments("]")
            return lambda names: [item(names) for item in items]
        if self.taken("{"):
            return self.mapping()
        return self.atom()

    def mapping(self) -> Evaluate:
        pairs: list[tuple[Evaluate, Evaluate]] = []
        while not self.taken("}"):
            if pairs:
                self.expect(",")
            key = self.conditional()
            self.expect(":")
            pairs.append((key, self.conditional()))
        return lambda names: {key(names): value(names) for key, value in pairs}

    def atom(self) -> Evaluate:
        if self.place >= len(self.tokens):
            raise ValueError(f"cannot read {self.text!r}: it ends too early")
        kind, text = self.tokens[self.place]
        self.place += 1
        if kind == "name":
            return self.named(text)
        if kind == "sign":
            raise ValueError(f"cannot read {self.text!r} at {text!r}")
        value = _number(text) if kind == "number" else _unquoted(text)
        return lambda _: value

    def named(self, name: str) -> Evaluate:
        if name in CONSTANTS:
            constant = CONSTANTS[name]
            return lambda _: constant
        if not self.taken("("):
            return lambda names: functions.variable(names, name)
        arguments = self.arguments(")")
        if name == "has":
            return _presence(arguments)
        return _called(name, arguments)


class _Selection:
    """A field access that `has` can ask for presence instead."""

    def __init__(self, target: Evaluate, name: str, access: Callable[[Any, str], Any]) -> None:
        self.target, self.name, self.access = target, name, access

    def __call__(self, names: Variables) -> Any:
        return self.access(self.target(names), self.name)

    def present(self, names: Variables) -> bool:
        holder = self.target(names)
        return isinstance(holder, dict) and holder.get(functions.unescaped(self.name)) is not None


def _selected(target: Evaluate, name: str, access: Callable[[Any, str], Any]) -> Evaluate:
    return _Selection(target, name, access)


def _presence(arguments: list[Evaluate]) -> Evaluate:
    if len(arguments) != 1 or not isinstance(arguments[0], _Selection):
        raise ValueError("has() takes one field, as in has(self.name)")
    return arguments[0].present


def _binary(operation: Callable[[Any, Any], Any], left: Evaluate, right: Evaluate) -> Evaluate:
    return lambda names: operation(left(names), right(names))


def _called(name: str, arguments: list[Evaluate]) -> Evaluate:
    function = functions.FUNCTIONS.get(name)
    if function is None:
        raise ValueError(f"there is no function {name}()")
    return lambda names: functions.applied(name, function, [argument(names) for argument in arguments])


def _either(left: Evaluate, right: Evaluate, *, settles: bool) -> Evaluate:
    """Or (settled by true) and and (settled by false): a side that settles it outweighs the other one's failure."""

    def evaluate(names: Variables) -> bool:
        try:
            if functions.truth(left(names)) is settles:
                return settles
        except Failed:
            if functions.truth(right(names)) is settles:
                return settles
            raise
        return functions.truth(right(names))

    return evaluate


def _number(text: str) -> float | int:
    if text.startswith("0x"):
        return int(text, 16)
    return float(text) if any(sign in text for sign in ".eE") else int(text)


def _unquoted(text: str) -> str:
    if text[0] in "rR":
        return text[2:-1]
    return re.sub(r"\\(.)", lambda match: ESCAPES.get(match[1], match[1]), text[1:-1])
