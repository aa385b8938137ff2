"""Label selectors, against what Kubernetes' labels package answered for these inputs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaler.api.selector import Requirement, Selector, parse_selector, selector_from
from scaler.errors import Invalid


@pytest.mark.parametrize(
    ("text", "labels", "selected"),
    [
        ("", {}, True),
        ("  ", {"a": "b"}, True),
        ("app", {"app": ""}, True),
        ("app", {}, False),
        ("!app", {}, True),
        ("! app", {"app": "x"}, False),
        ("app=web", {"app": "web"}, True),
        ("app==web", {"app": "web"}, True),
        ("app = web ", {"app": "api"}, False),
        ("app=", {"app": ""}, True),
        ("app=", {}, False),
        ("app!=web", {}, True),
        ("app!=web", {"app": "web"}, False),
        ("app in (web, api)", {"app": "api"}, True),
        ("app in (web,api)", {}, False),
        ("app in ()", {"app": ""}, True),
        ("app in (web,)", {"app": ""}, True),
        ("app notin (web,api)", {}, True),
        ("app notin (web,api)", {"app": "web"}, False),
        ("in in (in)", {"in": "in"}, True),
        ("notin=in", {"notin": "in"}, True),
        ("size>5", {"size": "6"}, True),
        ("size>5", {"size": "5"}, False),
        ("size<5", {"size": "-1"}, True),
        ("size<5", {"size": "small"}, False),
        ("size<5", {}, False),
        ("example.com/tier=front,!legacy,env", {"example.com/tier": "front", "env": "x"}, True),
        ("example.com/tier=front,!legacy,env", {"example.com/tier": "front"}, False),
        ("app in (a, b),tier!=x,!legacy,env", {"app": "a", "env": "e"}, True),
    ],
)
def test_labels_are_selected_as_kubernetes_selects_them(text, labels, selected):
    assert parse_selector(text).matches(labels) is selected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("app in web", 'found "web" where "(" belongs'),
        ("app in (web", 'found the end where ")" belongs'),
        ("app web", 'found "web" where one of = == != in notin < >, or a comma belongs'),
        ("app,", 'found the end where a label name after "," belongs'),
        (",app", 'found "," where a label name belongs'),
        ("=web", 'found "=" where a label name belongs'),
        ("app=web=api", 'found "=" where "," belongs'),
        ("!app=web", 'found "=" where "," belongs'),
        ("!", "found the end where a label name belongs"),
        ("app=(", 'found "(" where a value belongs'),
        ("-app", '"-app" is not a label name'),
        ("a/b/c", '"a/b/c" is not a label name'),
        ("UP.com/x", "before the slash belongs a DNS name"),
        ("a" * 64, "is not a label name"),
        ("app=-x", '"-x" is not a label value'),
        ("app=" + "v" * 64, "is not a label value"),
        ("size>big", '"big" is not an integer to compare with'),
        ("size>", '"" is not an integer to compare with'),
    ],
)
def test_what_is_no_selector_is_refused_with_what_belongs_there(text, says):
    with pytest.raises(ValueError) as refusal:
        parse_selector(text)
    assert says in str(refusal.value)
    assert text in str(refusal.value)


def test_an_absent_selector_selects_nothing_and_an_empty_one_everything():
    assert not selector_from(None).matches({"a": "b"})
    assert selector_from({}).matches({"a": "b"})
    assert selector_from({"matchLabels": None, "matchExpressions": None}).matches(None)


def test_the_object_form_joins_labels_and_expressions():
    selector = selector_from(
        {
            "matchLabels": {"app": "web"},
            "matchExpressions": [
                {"key": "tier", "operator": "In", "values": ["front", "edge"]},
                {"key": "legacy", "operator": "DoesNotExist"},
                {"key": "env", "operator": "Exists", "values": []},
                {"key": "zone", "operator": "NotIn", "values": ["c"]},
            ],
        }
    )
    assert selector.matches({"app": "web", "tier": "edge", "env": "x"})
    assert not selector.matches({"app": "web", "tier": "edge", "env": "x", "zone": "c"})
    assert not selector.matches({"app": "web", "tier": "edge"})
    assert str(selector) == "app=web,env,!legacy,tier in (edge,front),zone!=c"


def test_every_problem_of_the_object_form_is_told_at_its_path():
    with pytest.raises(Invalid) as refusal:
        selector_from(
            {
                "matchLabels": {"-x": "1", "y": True},
                "matchExpressions": [
                    {"key": "a", "operator": "in", "values": ["1"]},
                    {"key": "b", "operator": "In", "values": []},
                    {"key": "c", "operator": "Exists", "values": ["1"]},
                    {"key": "d", "operator": "NotIn", "values": ["no good"]},
                ],
            },
            "spec.selector",
        )
    told = {problem.path: problem.message for problem in refusal.value.problems}
    assert list(told) == [
        "spec.selector.matchLabels[-x]",
        "spec.selector.matchLabels[y]",
        "spec.selector.matchExpressions[0].operator",
        "spec.selector.matchExpressions[1].values",
        "spec.selector.matchExpressions[2].values",
        "spec.selector.matchExpressions[3].values",
    ]
    assert "write it in quotes" in told["spec.selector.matchLabels[y]"]
    assert "In, NotIn, Exists, DoesNotExist" in told["spec.selector.matchExpressions[0].operator"]


NAMES = st.sampled_from(["app", "tier", "in", "notin", "example.com/x", "A_b.c-d"])
VALUES = st.sampled_from(["", "a", "b", "1", "in", "x_y"])
REQUIREMENTS = st.one_of(
    st.builds(Requirement, NAMES, st.sampled_from(["Exists", "DoesNotExist"])),
    st.builds(Requirement, NAMES, st.sampled_from(["Gt", "Lt"]), st.integers(0, 99).map(lambda n: (str(n),))),
    st.builds(
        Requirement,
        NAMES,
        st.sampled_from(["In", "NotIn"]),
        st.sets(VALUES, min_size=1).map(lambda values: tuple(sorted(values))),
    ),
)


@given(st.lists(REQUIREMENTS, max_size=4), st.dictionaries(NAMES, VALUES))
def test_a_selector_spelt_out_reads_back_and_selects_the_same(requirements, labels):
    ordered = tuple(sorted(requirements, key=lambda requirement: requirement.key))
    selector = Selector(ordered)
    again = parse_selector(str(selector))
    assert again == selector
    assert again.matches(labels) == all(requirement.matches(labels) for requirement in requirements)


@given(st.text(alphabet="ab=!(), in<>/-", max_size=16))
def test_any_text_is_read_or_refused(text):
    try:
        selector = parse_selector(text)
    except ValueError:
        return
    assert parse_selector(str(selector)) == selector
