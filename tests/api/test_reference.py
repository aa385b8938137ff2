"""The reference table follows the kinds."""

from pathlib import Path

from scaler.api import reference, scaledobject, verticalpodautoscaler

DOCS = Path(__file__).parent.parent.parent / "docs"


def test_the_page_is_what_the_models_generate() -> None:
    assert (DOCS / "kinds.md").read_text() == reference.reference(), "run `make generate`"


def test_every_annotation_that_the_kinds_know_is_explained() -> None:
    texts = {name: value for name, value in vars(scaledobject).items() if name.isupper() and isinstance(value, str)}
    known = {
        value for value in texts.values() if value.partition("/")[0].endswith(("keda.sh", scaledobject.OUR_DOMAIN))
    }
    explained = {one.name for one in reference.ANNOTATIONS}
    assert known - explained == {
        scaledobject.GROUP,
        scaledobject.OUR_DOMAIN,
        scaledobject.API_VERSION,
        scaledobject.NAME_LABEL,
        scaledobject.FINALIZER,
    }


def test_every_annotation_around_a_vpa_is_explained() -> None:
    named = vars(verticalpodautoscaler)
    own = {
        value
        for name, value in named.items()
        if name.isupper() and str(value).startswith(("vpa", f"{scaledobject.OUR_DOMAIN}/"))
    }
    explained = " ".join(one.name for one in reference.ANNOTATIONS)
    assert [name for name in own if name not in explained] == []


def test_a_rule_deep_inside_a_kind_is_told_with_it() -> None:
    page = reference.reference().partition("## VerticalPodAutoscaler\n")[2]
    assert page.count("Rule: factor goes with type Factor") == 1


def test_a_default_of_the_schema_stands_in_the_table() -> None:
    row = next(line for line in reference.reference().splitlines() if line.startswith("| `spec.fallback.behavior`"))
    assert "| `static` |" in row


def test_a_required_field_says_so() -> None:
    row = next(line for line in reference.reference().splitlines() if line.startswith("| `spec.triggers`"))
    assert row.startswith("| `spec.triggers` | list of object | required | at least 1 item |")
