"""Paths, against what tidwall/gjson 1.18 answered for this document."""

import string

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaler.triggers.gjson import MISSING, compile_path, get

DOCUMENT = {
    "service": {"name": "mail", "owner": "ops"},
    "workers": 12,
    "tags": ["red", "green", "blue"],
    "load.avg": 0.75,
    "note": None,
    "open": True,
    "closed": False,
    "queues": [
        {"name": "in", "state": "busy", "size": 40, "labels": ["hot", "eu"]},
        {"name": "out", "state": "idle", "size": 7, "labels": ["eu"]},
        {"name": "dead", "state": "idle", "size": 90, "labels": ["hot"]},
    ],
    "flags": [
        {"n": 1, "on": "text"},
        {"n": 2, "on": True},
        {"n": 3, "on": False},
        {"n": 4, "on": "0"},
        {"n": 5, "on": 0},
        {"n": 6, "on": "1"},
        {"n": 7, "on": 1},
        {"n": 8, "on": "true"},
        {"n": 9, "on": None},
        {"n": 10},
    ],
    "mixed": [1, "two", None, True, [3, [4, 5]], {"k": "v"}],
    "table": {"id": [1, 2], "v": ["a", "b"]},
    "text": '{"depth":1023}',
    "@type": "T",
    "a*b": 9,
    "q_a": {"size": 1},
    "q_b": {"depth": "7"},
}

OBSERVED = [
    ("workers", 12),
    ("service.name", "mail"),
    ("tags", ["red", "green", "blue"]),
    ("tags.1", "green"),
    ("tags.9", MISSING),
    ("tags.-1", MISSING),
    ("tags.x", MISSING),
    ("queues.1.size", 7),
    ("nothing", MISSING),
    ("service.nothing", MISSING),
    ("workers.deeper", MISSING),
    ("load\\.avg", 0.75),
    ("load.avg", MISSING),
    ("a\\*b", 9),
    ("a*b", 9),
    ("*orkers", 12),
    ("w?rkers", 12),
    ("tag*.0", "red"),
    ("q_*.depth", "7"),
    ("q_?.size", 1),
    ("note", None),
    ("open", True),
    ("tags.#", 3),
    ("queues.#", 3),
    ("service.#", MISSING),
    ("queues.#.size", [40, 7, 90]),
    ("queues.#.labels.#", [2, 1, 1]),
    ("queues.#.nothing", []),
    ("queues.#.labels.0", ["hot", "eu", "hot"]),
    ("flags.#.on", ["text", True, False, "0", 0, "1", 1, "true", None]),
    ('queues.#(name=="out").size', 7),
    ("queues.#(name=out).size", 7),
    ('queues.#(name="out").size', 7),
    ('queues.#[name=="out"].size', 7),
    ('queues.#(state=="idle")#.name', ["out", "dead"]),
    (
        'queues.#(state=="idle")#',
        [
            {"name": "out", "state": "idle", "size": 7, "labels": ["eu"]},
            {"name": "dead", "state": "idle", "size": 90, "labels": ["hot"]},
        ],
    ),
    ("queues.#(size>39)#.name", ["in", "dead"]),
    ("queues.#(size>=40)#.name", ["in", "dead"]),
    ("queues.#(size<40).name", "out"),
    ("queues.#(size<=40)#.name", ["in", "out"]),
    ("queues.#(size!=40)#.name", ["out", "dead"]),
    ('queues.#(name%"*ea*").size', 90),
    ('queues.#(name!%"*ea*")#.size', [40, 7]),
    ('queues.#(name%"?ut").size', 7),
    ('queues.#(state=="none").size', MISSING),
    ('queues.#(state=="none")#', []),
    ('queues.#(state=="none")#.size', []),
    ('queues.#(labels.#(=="hot"))#.name', ["in", "dead"]),
    ("queues.#(labels.#>1).name", "in"),
    ("queues.#(state)#.name", ["in", "out", "dead"]),
    ("queues.#(nothing)#", []),
    ('queues.#(state=="idle")#.#', []),
    ('queues.#(state=="idle")#|#', 2),
    ('queues.#(state=="idle")#|0.name', "out"),
    ('queues.#(state=="idle")#.0', []),
    ('queues.#(state=="idle")#|name', MISSING),
    ('queues.#(state=="none")#|#', 0),
    ('tags.#(%"*e*")#', ["red", "green", "blue"]),
    ('tags.#(!%"*e*")', MISSING),
    ('tags.#(="blue")', "blue"),
    ('tags.#(>"c")#', ["red", "green"]),
    ('mixed.#(=="two")', "two"),
    ("mixed.#(>=1)#", [1, "two", True]),
    ("mixed.#(=true)#", [True]),
    ('mixed.#(=="1")', 1),
    ("queues.#( size > 39 )#.name", ["in", "dead"]),
    ('queues.#(name=="a)b").size', MISSING),
    ("flags.#(on==~true)#.n", [2, 6, 7, 8]),
    ("flags.#(on==~false)#.n", [3, 4, 5, 9, 10]),
    ("flags.#(on==~null)#.n", [9, 10]),
    ("flags.#(on==~*)#.n", [1, 2, 3, 4, 5, 6, 7, 8, 9]),
    ("flags.#(on!=~*)#.n", [10]),
    ("flags.#(on=true)#.n", [2, 5, 8]),
    ("flags.#(on!=true)#.n", [1, 3, 4, 6, 7]),
    ("queues|1|name", "out"),
    ("queues|1.name", "out"),
    ("queues.1|name", "out"),
    ("queues.#.size|0", 40),
    ("queues.#.size|@reverse", [90, 7, 40]),
    ("tags.@reverse", ["blue", "green", "red"]),
    ("tags.@reverse.0", "blue"),
    ("tags|@reverse|#", 3),
    ("service.@keys", ["name", "owner"]),
    ("service.@values.0", "mail"),
    ("service|@keys|#", 2),
    ("mixed.@flatten", [1, "two", None, True, 3, [4, 5], {"k": "v"}]),
    ('mixed.@flatten:{"deep":true}', [1, "two", None, True, 3, 4, 5, {"k": "v"}]),
    ("queues.@join.size", 90),
    ("table.@group.1.v", "b"),
    ("text.@fromstr.depth", 1023),
    ("workers.@tostr", "12"),
    ("@this.workers", 12),
    ("queues.#.@this.name", ["in", "out", "dead"]),
    ("@pretty.workers", 12),
    ("@dig:depth", ["7"]),
    ("@valid.workers", 12),
    ("@type", "T"),
    ("tags.@nothing", MISSING),
    ("@reverse.@keys.0", "q_b"),
    ("[workers,service.name]", [12, "mail"]),
    ("{workers,service.name}", {"workers": 12, "name": "mail"}),
    ('{"w":workers,n:service.name}', {"w": 12, "n": "mail"}),
    ("[workers,nothing,tags.0].1", "red"),
    ('{queues.#(state=="idle")#.name}', {"name": ["out", "dead"]}),
    ('{"a":!5,"b":!"x"}.a', 5),
    ("[workers,load\\.avg]|1", 0.75),
    ("service.[owner,name]", ["ops", "mail"]),
    ("queues.#.{name,size}", [{"name": "in", "size": 40}, {"name": "out", "size": 7}, {"name": "dead", "size": 90}]),
    ("queues.[0.size,1.size].@reverse", [7, 40]),
    ("!5", 5),
    ('!"text"', "text"),
    ("!true", True),
    ('!{"a":1}.a', 1),
    ("..#", 1),
    ("..0.workers", 12),
    ("..#.workers", [12]),
    ("tags.01", "green"),
    ("", MISSING),
]


@pytest.mark.parametrize(("path", "expected"), OBSERVED)
def test_a_path_gives_what_upstream_gives(path, expected):
    found = get(DOCUMENT, path)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ('queues.#(name=="in"', 'is not closed: write #(path=="value")'),
        ("queues.#(a.#(b==1)", "is not closed"),
        ("[workers,tags", 'is not closed: "]" is missing'),
        ("{workers", 'is not closed: "}" is missing'),
        ('queues.#(name=="in")x', 'found "x" after a query'),
        ("[workers]x", 'found "x" where "." or "|" belongs'),
        ("queues.#(name!x).size", "is not a comparison: write one of =="),
        ('!"open', "is not a literal"),
        ("!12x", "is not a literal"),
        ("@flatten:{", "is not closed"),
        (".".join("a" * 200), "more than 100 components"),
        ("#(" * 200, "more than 100 components"),
    ],
)
def test_a_malformed_path_is_refused_by_name(path, says):
    with pytest.raises(ValueError) as refusal:
        compile_path(path)
    assert says in str(refusal.value)
    assert path[:20] in str(refusal.value)


@pytest.mark.parametrize("path", ["nothing|@keys|#", "nothing.@values", "nothing|@tostr", "@group|@keys|#"])
def test_what_is_not_there_is_not_counted_as_zero(path):
    assert get({"table": 1} if "group" not in path else [], path) is MISSING


@pytest.mark.parametrize("document", [5, "text", None, True, [], {}])
def test_a_document_without_members_has_nothing_below_it(document):
    assert get(document, "a.b") is MISSING
    assert get(document, "#.a") == ([] if document == [] else MISSING)


def test_a_wildcard_tries_every_key_until_one_leads_somewhere():
    assert get({"a1": 5, "a2": {"y": 1}, "a3": {"x": 7}}, "a*.x") == 7


def test_a_backslash_takes_special_characters_as_they_are():
    document = {"a.b": {"c|d": {"#": {"@this": 1, "e*": 2, "ex": 3}}}}
    assert get(document, r"a\.b.c\|d.\#.\@this") == 1
    assert get(document, r"a\.b.c\|d.\#.e\*") == 2


def test_a_deep_document_does_not_exhaust_the_stack():
    document: object = {"size": 1}
    for _ in range(100_000):
        document = [document]
    assert get(document, "@dig:size") == [1]
    assert get(document, '@flatten:{"deep":true}|0.size') == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc.#*", max_size=3), inner, max_size=4),
    max_leaves=12,
)


@given(JSON, st.text(string.ascii_lowercase[:4] + '01.#|*?@!()[]{}\\=<>%~,:"', max_size=20))
def test_any_path_on_any_document_answers_or_is_refused(document, path):
    try:
        step = compile_path(path)
    except ValueError:
        return
    found = step(document)
    assert found is MISSING or msgspec.json.encode(found)


def routes(value, way=()):
    yield way, value
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield from routes(member, (*way, str(key)))


@given(JSON)
def test_every_value_is_reached_by_its_escaped_path(document):
    for way, value in routes(document):
        if all(way) and way:  # two leading dots mean JSON lines
            path = ".".join("".join(f"\\{mark}" if mark in ".#*" else mark for mark in key) for key in way)
            assert get(document, path) == value
