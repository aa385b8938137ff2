"""Rules of schemas, in the part of CEL that such rules use."""

from typing import Any

import pytest

from scaler.api import cel
from scaler.api.cel.functions import Failed

SELF = {
    "name": "web",
    "min": 2,
    "max": 5,
    "ratio": 0.5,
    "items": [1, 2, 3],
    "map": {"a": 1},
    "none": None,
    "on": True,
}

EXPRESSIONS = {
    "1 + 2 * 3": 7,
    "(1 + 2) * 3": 9,
    "7 / 2": 3,
    "-7 / 2": -3,
    "-7 % 3": -1,
    "7.0 / 2.0": 3.5,
    "1 < 2 && 2 < 3": True,
    "!(1 < 2) || 3 >= 3": True,
    "1 == 1.0": True,
    "'a' + 'b' == \"ab\"": True,
    "true == 1": False,
    "self.min <= self.max ? 'ok' : 'no'": "ok",
    "self.name in ['web', 'db']": True,
    "'a' in self.map": True,
    "self.items[1]": 2,
    "self.map['a']": 1,
    "has(self.min) && !has(self.missing)": True,
    "has(self.none)": False,
    "size(self.items) == 3 && self.name.size() == 3": True,
    "self.items.all(i, i > 0)": True,
    "self.items.exists(i, i == 2)": True,
    "self.items.exists_one(i, i > 2)": True,
    "self.items.filter(i, i > 1)": [2, 3],
    "self.items.map(i, i * 2)": [2, 4, 6],
    "self.map.all(k, self.map[k] == 1)": True,
    "self.name.startsWith('w') && self.name.endsWith('b') && self.name.contains('e')": True,
    "self.name.matches('^w.b$')": True,
    "string(self.min) + 'x'": "2x",
    "int('7') + 1": 8,
    "'a,b'.split(',')": ["a", "b"],
    "['a', 'b'].join('-')": "a-b",
    "duration('1h30m') > duration('80m')": True,
    "timestamp('2026-01-01T00:00:00Z') < timestamp('2026-01-02T00:00:00Z')": True,
    "self.?missing.orValue(3)": 3,
    "self.?min.orValue(3)": 2,
    "r'\\d' == '\\\\d'": True,
    "{'a': 1}['a'] == 1": True,
    "[1] + [2]": [1, 2],
    "0x10 == 16": True,
    "1e2 == 100": True,
}


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_an_expression_has_its_value(text: str) -> None:
    assert cel.evaluate(text, {"self": SELF}) == EXPRESSIONS[text]


FAILING = [
    "self.missing",
    "self.items[9]",
    "1 / 0",
    "1 % 0",
    "'a' < 1",
    "true < false",
    "self.name && true",
    "1 + 'a'",
    "nobody",
    "size(1)",
    "self.name.matches('(')",
    "1.all(i, true)",
]


@pytest.mark.parametrize("text", FAILING)
def test_an_expression_without_a_value_fails(text: str) -> None:
    with pytest.raises(Failed):
        cel.evaluate(text, {"self": SELF})


UNREADABLE = ["1 +", "(1", "self.", "a b", "nofunction(1)", "has(1)", "'open", "[1, 2", "? 1 : 2", "1 2", "$"]


@pytest.mark.parametrize("text", UNREADABLE)
def test_what_cannot_be_read_is_said(text: str) -> None:
    with pytest.raises(ValueError):
        cel.compiled(text)


def test_one_side_may_settle_what_the_other_cannot() -> None:
    assert cel.evaluate("self.missing == 1 || true", {"self": SELF}) is True
    assert cel.evaluate("self.missing == 1 && false", {"self": SELF}) is False
    with pytest.raises(Failed):
        cel.evaluate("self.missing == 1 || false", {"self": SELF})


def shape(*rules: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "x-kubernetes-validations": list(rules), "properties": {"a": {"type": "integer"}}}


def test_a_broken_rule_is_a_problem_at_its_place() -> None:
    found = cel.broken(
        shape({"rule": "self.a > 5", "message": "a must exceed 5", "fieldPath": ".a"}), {"a": 3}, "spec"
    )
    assert [(problem.path, problem.message) for problem in found] == [("spec.a", "Invalid value: a must exceed 5")]


def test_a_rule_may_word_its_message_and_its_reason() -> None:
    rule = {"rule": "false", "messageExpression": "'a is ' + string(self.a)", "reason": "FieldValueForbidden"}
    assert cel.broken(shape(rule), {"a": 3})[0].message == "Forbidden: a is 3"
    rule = {"rule": "false", "messageExpression": "self.missing", "message": "fixed"}
    assert cel.broken(shape(rule), {"a": 3})[0].message == "Invalid value: fixed"


def test_a_rule_that_fails_is_broken() -> None:
    said = cel.broken(shape({"rule": "self.missing > 1"}), {"a": 3})[0].message
    assert said == "Invalid value: rule evaluation error: no such key: missing"


def test_a_transition_rule_needs_something_to_compare_with() -> None:
    rule = shape({"rule": "self.a >= oldSelf.a", "message": "a may only grow"})
    assert cel.broken(rule, {"a": 3}) == []
    assert cel.broken(rule, {"a": 3}, "", {"a": 2}) == []
    assert len(cel.broken(rule, {"a": 3}, "", {"a": 4})) == 1


def test_rules_of_members_are_judged_too() -> None:
    inner = {
        "type": "object",
        "x-kubernetes-validations": [{"rule": "self.ok"}],
        "properties": {"ok": {"type": "boolean"}},
    }
    outer = {
        "type": "object",
        "properties": {
            "list": {"type": "array", "items": inner},
            "map": {"type": "object", "additionalProperties": inner},
        },
    }
    value = {"list": [{"ok": True}, {"ok": False}], "map": {"x": {"ok": False}}}
    assert [problem.path for problem in cel.broken(outer, value)] == ["list[1]", "map.x"]
