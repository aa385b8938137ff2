"""What formulas are worth, against what expr-lang 1.17.8 answered as upstream runs it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaler.horizontal.formula import Formula, FormulaError, check, compile_formula

VALUES = {"queue": 4.0, "lag": 2.5, "rate": 0.0, "gone": None}

OBSERVED = [
    ("queue + lag", 6.5),
    ("queue - lag * 2", -1.0),
    ("(queue + lag) / 2", 3.25),
    ("queue / 0", math.inf),
    ("rate / 0", math.nan),
    ("1 / 2", 0.5),
    ("-7 % 3", -1.0),
    ("7 % -3", 1.0),
    ("int(queue) % 3", 1.0),
    ("2 ** 3 ** 2", 512.0),
    ("-2 ** 2", -4.0),
    ("2 ^ -1", 0.5),
    ("(0 - 8) ** (1 / 3)", math.nan),
    ("0 ** -1", math.inf),
    ("0x1F + 0b11 + 0o17", 49.0),
    ("1_000 + 1e3 + .5 + 1.", 2001.5),
    ("queue > 3 ? 1 : 2", 1.0),
    ("queue > 3 ? lag > 3 ? 1 : 2 : 3", 2.0),
    ("queue < 1 ? 1 : queue < 5 ? 2 : 3", 2.0),
    ("if queue > 3 { lag } else { 0 }", 2.5),
    ("if queue > 9 { 1 } else if queue > 3 { 2 } else { 3 }", 2.0),
    ("if queue > 3 { let half = queue / 2; half * lag } else { 0 }", 5.0),
    ("let double = queue * 2; let more = double + 1; more", 9.0),
    ("(let x = queue; x) + (let x = lag; x)", 6.5),
    ("(1; 2)", 2.0),
    ("queue > 3 and lag > 3 ? 1 : 0", 0.0),
    ("queue > 3 or lag > 3 ? 1 : 0", 1.0),
    ("queue > 3 && not (lag > 3) || false ? 1 : 0", 1.0),
    ("!(queue > 3) ? 1 : 0", 0.0),
    ("1 < queue < 5 ? 1 : 0", 1.0),
    ("1 < queue < 5 == true ? 1 : 0", 1.0),
    ("5 > queue >= 4 > 0 ? 1 : 0", 1.0),
    ("queue == 4 ? 1 : 0", 1.0),
    ("queue != 4.0 ? 1 : 0", 0.0),
    ("gone == nil ? 1 : 0", 1.0),
    ("queue == nil ? 1 : 0", 0.0),
    ("nil != gone ? 1 : 0", 0.0),
    ("gone ?? lag", 2.5),
    ("gone ?? gone ?? 8", 8.0),
    ("(gone ?? 3) + 1", 4.0),
    ("queue + gone ?? 1", 5.0),
    ("nil ?? queue", 4.0),
    ("queue in [1, 4] ? 1 : 0", 1.0),
    ("queue not in [1, 4] ? 1 : 0", 0.0),
    ("3 in 1..5 ? 1 : 0", 1.0),
    ("sum(1..4)", 10.0),
    ("sum(4..1)", 0.0),
    ("count([queue, lag], {# > 3})", 1.0),
    ("count([queue, lag], # > 1) > 1 ? 5 : 0", 5.0),
    ("count([queue > 1, lag > 3])", 1.0),
    ("sum([queue, lag])", 6.5),
    ("sum([queue, lag], # * 2)", 13.0),
    ("sum([])", 0.0),
    ("any([queue, lag], # > 3) ? 1 : 0", 1.0),
    ("all([queue, lag], {# > 3}) ? 1 : 0", 0.0),
    ("none([queue, lag], # > 9) ? 1 : 0", 1.0),
    ("one([queue, lag], # > 3) ? 1 : 0", 1.0),
    ("all([], # > 3) ? 1 : 0", 1.0),
    ("filter([queue, lag, 9], # > 3)[1]", 9.0),
    ("map([queue, lag], # * 10 + #index)[1]", 26.0),
    ("find([queue, lag], # < 3)", 2.5),
    ("findIndex([queue, lag], # < 3)", 1.0),
    ("find([queue], # < 3) ?? 7", 7.0),
    ("findIndex([queue], # < 3) ?? 7", 7.0),
    ("reduce([queue, lag, 1], #acc + #)", 7.5),
    ("reduce([queue, lag], #acc + # * #index, 10)", 12.5),
    ("sum(map([1, 2], sum(map([10, 20], # + 1)) * #))", 96.0),
    ("sortBy([queue, lag, 9], -#)[0]", 9.0),
    ('sortBy([queue, lag, 9], #, "desc")[2]', 2.5),
    ("sort([queue, lag])[0]", 2.5),
    ('sort([queue, lag], "desc")[0]', 4.0),
    ("max(queue, lag)", 4.0),
    ("min(queue, lag)", 2.5),
    ("max([queue, lag], 9, [[10]])", 10.0),
    ("max(queue)", 4.0),
    ("mean(queue, lag)", 3.25),
    ("mean([])", 0.0),
    ("median(queue, lag, 9)", 4.0),
    ("median([queue, lag])", 3.25),
    ("abs(-queue)", 4.0),
    ("ceil(lag)", 3.0),
    ("floor(lag)", 2.0),
    ("round(lag)", 3.0),
    ("round(-lag)", -3.0),
    ("round(0.49999999999999994)", 0.0),
    ("int(lag)", 2.0),
    ('int("7") + float("2.5")', 9.5),
    ("string(queue)", 4.0),
    ('"42"', 42.0),
    ('len([queue, lag]) + len("abc") + len({a: 1})', 6.0),
    ("first([queue, lag]) - last([queue, lag])", 1.5),
    ("[queue, lag][-1]", 2.5),
    ("[queue, lag, 9][1:][0]", 2.5),
    ("[queue, lag, 9][:-1] | sum()", 6.5),
    ("concat([queue], [lag])[1]", 2.5),
    ("reverse([queue, lag])[0]", 2.5),
    ("len(uniq([1, 1.0, queue, 4]))", 2.0),
    ("[queue, lag] | max()", 4.0),
    ("queue | max(lag, 9)", 9.0),
    ("[1, 2, 3] | filter(# > 1) | map(# * 2) | sum()", 10.0),
    ('{"a": queue}.a + {b: lag}["b"]', 6.5),
    ("{a: 1}.b ?? queue", 4.0),
    ('$env.queue + $env["lag"]', 6.5),
    ("::max(queue, lag)", 4.0),
    ('"abc" contains "b" and "abc" startsWith "a" and "abc" endsWith "c" ? 1 : 0', 1.0),
    ('"a" + "b" == `ab` ? 1 : 0', 1.0),
    ("'\\x41\\u0042' == \"AB\" ? 1 : 0", 1.0),
    ("queue /* the queue */ + 1", 5.0),
    ("float(queue) + 1", 5.0),
    ("float(queue > 3 ? 1 : 2)", 1.0),
    ("float(queue); float(lag)", 2.5),
    ("9223372036854775807 + 1 < 0 ? 1 : 0", 1.0),
]


def evaluate(text, values=VALUES, now=None):
    return compile_formula(text, list(values)).evaluate(values, now)


@pytest.mark.parametrize(("text", "expected"), OBSERVED)
def test_a_formula_is_worth_what_upstream_says(text, expected):
    found = evaluate(text)
    assert type(found) is float
    assert found == expected or (math.isnan(found) and math.isnan(expected))


@pytest.mark.parametrize(
    ("primary", "secondary", "expected"), [(16.0, 12.0, 16.0), (None, 12.0, 12.0), (None, None, 8.0)]
)
def test_the_first_trigger_that_did_not_fail_stands_in(primary, secondary, expected):
    values = {"primary": primary, "secondary": secondary}
    assert evaluate("primary ?? secondary ?? 8", values) == expected


def test_nil_passes_through_where_it_is_provided_for():
    assert evaluate("gone ?? nil") is None
    assert evaluate("gone ?? gone") is None


def test_a_variable_that_is_not_given_is_nil():
    assert compile_formula("a ?? b", ["a", "b"]).evaluate({"b": 3.0}) == 3.0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("gone", "the formula gives nil, not a number"),
        ("gone + 1", "+ does not take nil and a number: a trigger that failed is nil here"),
        ("queue > gone ? 1 : 2", "> does not take a number and nil"),
        ("-gone", "- does not take nil"),
        ("gone / 2", "/ does not take nil and a number"),
        ("gone ** 2", "** does not take nil and a number"),
        ("max(queue, gone)", "max does not take nil"),
        ("max([queue, gone])", "max does not take nil"),
        ("sum([queue, gone])", "+ does not take a number and nil"),
        ("count([queue, gone], # > 1)", "> does not take nil and a number"),
        ("mean(gone)", "mean does not take nil"),
        ("round(gone)", "round does not take nil"),
        ("int(gone)", "int does not take nil"),
        ("float(gone ?? gone)", "float does not take nil"),
        ("first([]) + 1", "+ does not take nil and a number"),
    ],
)
def test_a_trigger_that_failed_is_not_counted_as_zero(text, says):
    with pytest.raises(FormulaError) as refusal:
        evaluate(text)
    assert says in refusal.value.message
    assert "??" in refusal.value.message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("int(queue) % 0", "an integer is divided by zero"),
        ("[queue, lag][2]", "the array has 2 elements, none at 2"),
        ("reduce([], #acc + #)", "reduce of an empty array"),
        ('int("x")', 'int does not take "x"'),
        ("int(queue / 0)", "int does not take inf"),
        ('sort([queue, "a"])[0]', "numbers with numbers"),
        ('sort([queue], "up")[0]', 'the order is "asc" or "desc"'),
        ('[queue, "a"][1]', "the formula gives a string"),
        ("[queue, true][1] + 1", "+ does not take a boolean and a number"),
        ("[true, 1][1] ? 1 : 2", "a boolean belongs here, this is a number"),
        ("[nil, {}][1] + 1", "+ does not take a map and a number"),
    ],
)
def test_what_fails_on_these_values_is_an_error_at_its_place(text, says):
    with pytest.raises(FormulaError) as refusal:
        evaluate(text)
    assert says in refusal.value.message


def test_a_dry_run_refuses_what_fails_when_every_trigger_reads_minus_one():
    assert isinstance(check("max(a, b)", ["a", "b"]), Formula)
    with pytest.raises(FormulaError, match="none at"):
        check("[1, 2][int(a) - 5]", ["a"])


def test_a_formula_names_the_variables_it_reads():
    assert compile_formula('a > 1 ? b : $env["c-d"]', ["a", "b", "c-d", "e"]).uses == {"a", "b", "c-d"}


def test_a_name_with_a_dash_is_reached_through_the_environment():
    assert evaluate('$env["my-queue"] * 2', {"my-queue": 4.0}) == 8.0


def test_a_trigger_named_like_a_function_hides_it_and_double_colons_reach_it():
    assert evaluate("count + 1", {"count": 4.0}) == 5.0
    assert evaluate("::max(max, 9)", {"max": 4.0}) == 9.0


def test_the_time_is_that_of_whoever_evaluates():
    monday_half_past_nine = 1_767_605_400.0  # 2026-01-05T09:30:00Z
    office = "now().Hour() >= 7 && now().Hour() < 16 && int(now().Weekday()) in 1..5 ? 3 : 0"
    assert evaluate(office, now=monday_half_past_nine) == 3.0
    assert evaluate(office, now=monday_half_past_nine - 86400.0) == 0.0
    assert evaluate('now(timezone("Asia/Tokyo")).Hour()', now=monday_half_past_nine) == 18.0
    assert evaluate('now().In(timezone("Asia/Tokyo")).Minute()', now=monday_half_past_nine) == 30.0
    with pytest.raises(FormulaError, match="the time is not known here"):
        evaluate(office)
    with pytest.raises(FormulaError, match="did you mean"):
        evaluate('now(timezone("Europe/Berln")).Hour()', now=0.0)


NUMBERS = st.floats(-1e6, 1e6) | st.sampled_from([0.0, 1.0, -1.0])
PARTS = st.sampled_from(["queue", "lag", "rate"]).map(lambda name: (name, lambda values: values[name])) | st.integers(
    0, 999
).map(lambda number: (str(number), lambda _: number))


def joined(children):
    def pair(parts):
        (one, f), (symbol, operation), (other, g) = parts
        return f"({one} {symbol} {other})", lambda values: operation(f(values), g(values))

    def choice(parts):
        (one, f), (other, g), (then, h), (otherwise, k) = parts
        return (
            f"({one} < {other} ? {then} : {otherwise})",
            lambda values: h(values) if f(values) < g(values) else k(values),
        )

    def largest(parts):
        texts, functions = zip(*parts, strict=True)
        return f"max({', '.join(texts)})", lambda values: max(function(values) for function in functions)

    operations = st.sampled_from(
        [("+", lambda a, b: a + b), ("-", lambda a, b: a - b), ("*", lambda a, b: float(a) * b), ("%", None)][:3]
    )
    return (
        st.tuples(children, operations, children).map(pair)
        | st.tuples(children, children, children, children).map(choice)
        | st.lists(children, min_size=1, max_size=4).map(largest)
    )


@given(st.recursive(PARTS, joined, max_leaves=12), NUMBERS, NUMBERS, NUMBERS)
def test_arithmetic_agrees_with_the_same_arithmetic_in_python(part, queue, lag, rate):
    text, function = part
    values = {"queue": queue, "lag": lag, "rate": rate}
    assert evaluate(text, values) == pytest.approx(function(values), rel=1e-12, nan_ok=True)


@given(st.text(alphabet="ab01.+-*/%^<>=!&|?:(){}[],;#'\" \nletinfor", max_size=24))
def test_any_text_is_worth_something_or_refused(text):
    try:
        found = compile_formula(text, ["a", "b"]).evaluate({"a": 1.0, "b": None})
    except FormulaError as refusal:
        where = refusal.position if refusal.text == text else -1
    else:
        where = 0
        assert found is None or isinstance(found, float)
    assert 0 <= where <= len(text)
