"""What a formula may not say, and how that is told."""

import pytest

from scaler.horizontal.formula import FormulaError, compile_formula

NAMES = ["queue_depth", "lag", "my-queue"]


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        # names
        ("queue_dept + 1", 0, 'unknown name queue_dept: did you mean "queue_depth"?'),
        ("1 + nothing", 4, "unknown name nothing: known are queue_depth, lag, my-queue"),
        ("my-queue", 0, 'a dash subtracts, so write $env["my-queue"]'),
        ("max + 1", 0, "max is a function: call it, as in max(...)"),
        ("$env", 0, 'write $env["name"]'),
        ('$env["queue_dept"]', 4, 'did you mean "queue_depth"?'),
        ("avg([lag])", 0, 'unknown function avg: did you mean "mean"?'),
        ("trunc(lag)", 0, 'unknown function trunc: did you mean "int"?'),
        ("cieling(lag)", 0, "unknown function cieling"),
        ("ciel(lag)", 0, 'unknown function ciel: did you mean "ceil"?'),
        ("split('a', 'b')", 0, "split is a function of expr-lang that formulas here do not have"),
        ("lag(1)", 0, "lag is a trigger's value, not a function"),
        ("let lag = 1; lag", 4, "lag exists already"),
        ("let max = 1; max", 4, "max is a function: choose another name"),
        ("(let x = 1; x) + x", 17, "unknown name x"),
        # types
        ("lag and lag > 1 ? 1 : 0", 4, "and does not take a number and a boolean: compare it, as in a > 0"),
        ("lag + true", 4, "+ does not take a number and a boolean"),
        ("lag + 'x'", 4, "+ does not take a number and a string"),
        ("lag % 2", 4, "it takes integers, as int(...) gives them"),
        ("lag == true ? 1 : 0", 4, "== does not take a number and a boolean"),
        ("lag < 'x' ? 1 : 0", 4, "< does not take a number and a string"),
        ("not lag ? 1 : 0", 0, "not takes a boolean, this is a number: compare it"),
        ("-'x'", 0, "- takes a number, this is a string"),
        ("lag ? 1 : 0", 0, "the condition is a number, not a boolean: compare it"),
        ("if lag { 1 } else { 0 }", 3, "the condition is a number"),
        ("lag > 1", 4, "the formula gives a boolean, not a number: write condition ? 1 : 0"),
        ("[lag]", 0, "the formula gives an array, not a number"),
        ("nil", 0, "the formula gives nil, not a number"),
        ("float(lag) > 1", 11, "the formula gives a boolean"),
        ("lag in lag ? 1 : 0", 4, "in does not take a number and a number"),
        ("'a' in [lag] ? 1 : 0", 4, "in looks for a string in an array whose elements are each a number"),
        ("lag in {a: 1} ? 1 : 0", 4, "in looks for a number in a map, whose keys are strings"),
        ("lag contains 'x' ? 1 : 0", 4, "contains does not take a number and a string"),
        ("'a' matches 'x' ? 1 : 0", 4, "matches is not available in a formula"),
        ("lag.value", 4, 'a number has no member "value"'),
        ("[1][lag]", 3, "chosen by an integer, not by a number"),
        ("lag[1:]", 3, "a number has no parts"),
        ("[1][lag:]", 4, "the bound of a part is an integer"),
        ("lag.Hour()", 4, "a number has no method Hour"),
        ("now().Foo()", 6, "a time has no Foo of this form"),
        # arguments
        ("sum(lag)", 4, "sum takes an array, this is a number: put it in brackets, as in sum([a, b])"),
        ("sum()", 0, "sum takes an array, as in sum([a, b])"),
        ("filter([lag])", 0, "filter takes an array and a predicate"),
        ("count([lag], # + 1)", 15, "the predicate of count gives a boolean, as in # > 0; this is a number"),
        ("count([lag])", 0, "the predicate of count gives a boolean"),
        ("filter([lag], #index > 1)[0]", 14, "#index does not exist in filter"),
        ("max()", 0, "max takes at least one argument"),
        ("min(lag, 'x')", 9, "min does not take a string"),
        ("round(lag, 2)", 0, "round takes one argument, not 2"),
        ("ceil('x')", 0, "ceil does not take a string"),
        ("len(lag)", 0, "len does not take a number"),
        ("now(1).Hour()", 0, "now takes nothing, or a time zone"),
        # words
        ("", 0, "the formula is empty"),
        ("  // nothing", 0, "the formula is empty"),
        ("lag +", 5, "the formula ends where a value belongs"),
        ("(lag", 4, 'the formula ends where ")" belongs'),
        ("max(lag, 1", 10, 'the formula ends where "," or ")" belongs'),
        ("lag lag", 4, 'found "lag" where an operator or the end belongs'),
        ("lag) + (lag", 3, 'found ")" where an operator or the end belongs'),
        ("lag = 1 ? 2 : 3", 4, "compare with =="),
        ("lag > 1 & lag < 2 ? 1 : 0", 8, "write && or and"),
        ("lag; lag", 3, "a formula is one expression"),
        ("if lag > 1 { 2 }", 16, 'the formula ends where "else" belongs'),
        ("if lag > 1 then 2 else 3", 11, 'found "then" where "{" belongs'),
        ("lag ?? 1 + 1", 9, '"??" and "+" do not mix'),
        ("#", 0, 'found "#" where a value belongs'),
        ("lag @ 2", 4, '"@" has no meaning in a formula'),
        ('"lag', 0, "the string is not closed"),
        ("lag /* x", 4, "the comment is not closed"),
        ("'\\q' == 'x' ? 1 : 0", 1, "is not an escape"),
        ("12ab", 0, '"12a" is not a number'),
        ("1e", 0, '"1e" is not a number'),
        ("0x", 0, '"0x" is not a number'),
        ("9223372036854775808", 0, "is too large for a number"),
        ("1e999", 0, "is too large for a number"),
        ("lag not 1", 4, 'found "not" where an operator or the end belongs'),
        ("let = 1; 2", 4, 'found "=" where a name belongs'),
        ("lag |", 5, 'the formula ends where a function after "|" belongs'),
        ("{+: 1}", 1, 'found "+" where a key belongs'),
    ],
)
def test_a_fault_is_told_at_its_place_with_what_would_be_right(text, position, says):
    with pytest.raises(FormulaError) as refusal:
        compile_formula(text, NAMES)
    assert says in refusal.value.message
    assert refusal.value.position == position
    assert refusal.value.text == text


def test_the_error_points_at_its_place_with_a_caret():
    with pytest.raises(FormulaError) as refusal:
        compile_formula("max(lag,\n  queue_dept)", NAMES)
    assert str(refusal.value).split("\n") == [
        'unknown name queue_dept: did you mean "queue_depth"?',
        "    queue_dept)",
        "    ^ line 2, column 3",
    ]


def test_a_long_line_is_shown_around_the_fault_only():
    with pytest.raises(FormulaError) as refusal:
        compile_formula("lag + " * 100 + "nothing", NAMES)
    picture = str(refusal.value).split("\n")
    assert picture[1].startswith("  ...")
    assert picture[1][picture[2].index("^") :].startswith("nothing")
    assert len(picture[1]) < 120


def test_without_any_named_trigger_the_error_says_so():
    with pytest.raises(FormulaError, match="no trigger has a name"):
        compile_formula("a + 1", [])


def doubled(name, form):
    """Declare values of which each holds the one before twice."""
    first = f"let {name}0 = {form.format('a', 'a')}; "
    return first + "".join(
        f"let {name}{n} = {form.format(f'{name}{n - 1}', f'{name}{n - 1}')}; " for n in range(1, 25)
    )


@pytest.mark.parametrize(
    "text",
    [
        "sum(1..1000000000)",
        "sum(1..5000, sum(1..5000, #))",
        "let x = 1..5000; count(x, count(x, # > 1) > 1)",
        "len(uniq(1..5000))",
        doubled("x", "[{}, {}]") + "max(x24)",
        doubled("x", "[{}, {}]") + doubled("y", "[{}, {}]") + "x24 == y24 ? 1 : 0",
        doubled("x", "concat([{0}], [{1}])") + "max(x24)",
        "let t = 'abcdefgh'; " + doubled("x", "{} + {}").replace("a + a", "t + t") + "len(x24)",
    ],
)
def test_a_formula_that_works_too_much_is_stopped(text):
    formula = compile_formula(text, ["a"])
    with pytest.raises(FormulaError, match="more than 10000 elements"):
        formula.evaluate({"a": 1.0})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("(" * 1000 + "a" + ")" * 1000, "nested deeper"),
        ("a + " * 1000 + "a", "nested deeper"),
        ("-" * 1000 + "a", "nested deeper"),
        ("[" * 1000, "nested deeper"),
        ("a ? " * 1000, "nested deeper"),
        ("a + " * 10_000 + "a", "too long"),
    ],
)
def test_a_formula_that_is_too_large_is_refused(text, says):
    with pytest.raises(FormulaError, match=says):
        compile_formula(text, ["a"])
