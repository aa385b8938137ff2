"""The reference of the settings follows the declarations."""

from pathlib import Path

from scaler.settings import reference

DOCS = Path(__file__).parent.parent.parent / "docs"


def test_the_page_is_what_the_declarations_generate() -> None:
    assert (DOCS / "settings.md").read_text() == reference.reference(), "run `make generate`"


def test_another_unit_is_said() -> None:
    assert "`KEDA_HTTP_DEFAULT_TIMEOUT` (a bare number counts ms)" in reference.reference()
