"""Label selectors: the text form (`app in (a, b),tier!=x,!legacy,env`) and the object form of manifests.

Reads, matches and writes them as Kubernetes does. It looks nothing up.
"""

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from scaler.errors import Invalid, Problem

Operator = Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]

_NAME: Final = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?", re.ASCII)
_SUBDOMAIN: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*", re.ASCII)
_INTEGER: Final = re.compile(r"[+-]?[0-9]+", re.ASCII)
_TOKEN: Final = re.compile(r"[ \t\r\n]*(==|!=|[=!(),<>]|[^ \t\r\n=!(),<>]+|$)")
_SYMBOLS: Final = frozenset({"==", "!=", "=", "!", "(", ")", ",", "<", ">", ""})
_IN_OBJECTS: Final = ("In", "NotIn", "Exists", "DoesNotExist")
_SPELLINGS: Final[dict[str, Operator]] = {
    "=": "In",
    "==": "In",
    "in": "In",
    "!=": "NotIn",
    "notin": "NotIn",
    ">": "Gt",
    "<": "Lt",
}


class Requirement(msgspec.Struct, frozen=True):
    """One condition on one label."""

    key: str
    """The label's name."""
    operator: Operator
    """`=` and `==` read as In with one value, `!=` as NotIn with one."""
    values: tuple[str, ...] = ()
    """Sorted; empty for Exists and DoesNotExist, one integer for Gt and Lt."""

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether the labels fulfil it. NotIn is fulfilled by a label that is not there."""
        value = labels.get(self.key)
        match self.operator:
            case "In":
                return value in self.values
            case "NotIn":
                return value not in self.values
            case "Exists":
                return value is not None
            case "DoesNotExist":
                return value is None
            case _:
                return self._compares(value)

    def _compares(self, value: str | None) -> bool:
        if value is None or not _INTEGER.fullmatch(value):
            return False
        wanted = int(self.values[0])
        return int(value) > wanted if self.operator == "Gt" else int(value) < wanted

    def __str__(self) -> str:
        match self.operator:
            case "Exists":
                return self.key
            case "DoesNotExist":
                return f"!{self.key}"
            case "Gt" | "Lt":
                return f"{self.key}{'>' if self.operator == 'Gt' else '<'}{self.values[0]}"
            case _ if len(self.values) == 1:
                return f"{self.key}{'=' if self.operator == 'In' else '!='}{self.values[0]}"
            case _:
                return f"{self.key} {self.operator.lower()} ({','.join(self.values)})"


class Selector(msgspec.Struct, frozen=True):
    """All requirements together; none of them selects everything."""

    requirements: tuple[Requirement, ...] = ()
    """Sorted by key, so that equal selectors are spelt alike."""
    nothing: bool = False
    """Selects nothing at all: what an absent object form means."""

    def matches(self, labels: Mapping[str, str] | None) -> bool:
        """Tell whether labels (None for an object without any) are selected."""
        if self.nothing:
            return False
        found = labels or {}
        return all(requirement.matches(found) for requirement in self.requirements)

    def __str__(self) -> str:
        """Spell it for a `labelSelector` query parameter."""
        return ",".join(map(str, self.requirements))


@functools.lru_cache(maxsize=4096)
def parse_selector(text: str) -> Selector:
    """Read the text form; empty text selects everything.

    Raises ValueError naming the text, what was found and what belongs there.
    """
    return Selector(_ordered(_Reader(text).requirements()))


def selector_from(selector: Mapping[str, Any] | None, path: str = "") -> Selector:
    """Read the object form, `matchLabels` and `matchExpressions`.

    An absent selector selects nothing and an empty one everything, as upstream has it.
    Raises Invalid with every problem at its path below `path`.
    """
    if selector is None:
        return Selector(nothing=True)
    problems: list[Problem] = []
    prefix = f"{path}." if path else ""
    requirements = []
    for key, value in (selector.get("matchLabels") or {}).items():
        requirement = Requirement(key, "In", (value,))
        requirements.append(requirement)
        problems += _problems(requirement, f"{prefix}matchLabels[{key}]", f"{prefix}matchLabels[{key}]")
    for index, expression in enumerate(selector.get("matchExpressions") or ()):
        at = f"{prefix}matchExpressions[{index}]"
        requirement = _from_expression(expression)
        requirements.append(requirement)
        problems += _problems(requirement, f"{at}.key", f"{at}.values", f"{at}.operator")
    if problems:
        raise Invalid(problems)
    return Selector(_ordered(requirements))


def _from_expression(expression: Mapping[str, Any]) -> Requirement:
    values = tuple(sorted(set(expression.get("values") or ()), key=str))
    return Requirement(expression.get("key") or "", expression.get("operator") or "", values)  # type: ignore[arg-type] # checked after


def _problems(requirement: Requirement, key_at: str, values_at: str, operator_at: str = "") -> Iterator[Problem]:
    """Give what is wrong with a requirement; `operator_at` is where its operator stands, if the user wrote one."""
    wrong = _key_problem(requirement.key)
    if wrong:
        yield Problem(key_at, wrong, requirement.key)
    if operator_at and requirement.operator not in _IN_OBJECTS:
        yield Problem(operator_at, f'"{requirement.operator}" is not one of {", ".join(_IN_OBJECTS)}')
    elif (requirement.operator in {"Exists", "DoesNotExist"}) == bool(requirement.values):
        rule = "takes no values" if requirement.values else "takes at least one value"
        yield Problem(values_at, f"{requirement.operator} {rule}", list(requirement.values))
    for value in requirement.values:
        wrong = _value_problem(value, compared=requirement.operator in {"Gt", "Lt"})
        if wrong:
            yield Problem(values_at, wrong, value)


def _key_problem(key: str) -> str:
    prefix, slash, name = key.rpartition("/")
    if not _NAME.fullmatch(name) or len(name) > 63:
        return (
            f'"{key}" is not a label name: 1 to 63 letters, digits, "-", "_" or ".", a letter or digit at both ends'
        )
    if slash and (not _SUBDOMAIN.fullmatch(prefix) or len(prefix) > 253):
        return f'"{key}" is not a label name: before the slash belongs a DNS name such as example.com'
    return ""


def _value_problem(value: object, *, compared: bool) -> str:
    if not isinstance(value, str):
        return f"{value!r} is not a label value: write it in quotes"
    if compared and not _INTEGER.fullmatch(value):
        return f'"{value}" is not an integer to compare with'
    if value == "" or (_NAME.fullmatch(value) and len(value) <= 63):
        return ""
    return (
        f'"{value}" is not a label value: up to 63 letters, digits, "-", "_" or ".", a letter or digit at both ends'
    )


def _ordered(requirements: Sequence[Requirement]) -> tuple[Requirement, ...]:
    return tuple(sorted(requirements, key=lambda requirement: requirement.key))


class _Reader:
    """Reads the text form token by token. The words `in` and `notin` are operators only where one belongs."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[str] = _TOKEN.findall(text)
        self._at = 0

    def requirements(self) -> list[Requirement]:
        found: list[Requirement] = []
        while self._peek() or found:
            found.append(self._requirement())
            if not self._peek():
                break
            self._expect(",")
            if not self._peek():
                raise self._refusal('a label name after ","')
        return found

    def _requirement(self) -> Requirement:
        absent = self._peek() == "!"
        if absent:
            self._next()
        key = self._word("a label name")
        if self._peek() in {",", ""}:
            return self._checked(Requirement(key, "DoesNotExist" if absent else "Exists"))
        spelling = self._peek()
        operator = _SPELLINGS.get(spelling)
        if operator is None or absent:
            raise self._refusal('","' if absent else "one of = == != in notin < >, or a comma")
        self._next()
        values = self._set() if spelling in {"in", "notin"} else (self._value(),)
        return self._checked(Requirement(key, operator, values))

    def _set(self) -> tuple[str, ...]:
        self._expect("(")
        values = {self._value()}
        while self._peek() == ",":
            self._next()
            values.add(self._value())
        self._expect(")")
        return tuple(sorted(values))

    def _value(self) -> str:
        """Read a value; where none stands, the value is empty."""
        return "" if self._peek() in {",", ")", ""} else self._word("a value")

    def _checked(self, requirement: Requirement) -> Requirement:
        for problem in _problems(requirement, "", ""):
            raise ValueError(f'label selector "{self._text}": {problem.message}')
        return requirement

    def _word(self, belongs: str) -> str:
        if self._peek() in _SYMBOLS:
            raise self._refusal(belongs)
        return self._next()

    def _expect(self, symbol: str) -> None:
        if self._peek() != symbol:
            raise self._refusal(f'"{symbol}"')
        self._next()

    def _peek(self) -> str:
        return self._tokens[self._at]

    def _next(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1]

    def _refusal(self, belongs: str) -> ValueError:
        found = f'"{self._peek()}"' if self._peek() else "the end"
        return ValueError(f'label selector "{self._text}": found {found} where {belongs} belongs')
