"""The reference page follows the declarations."""

from pathlib import Path

from scaler.triggers.reference import reference
from scaler.triggers.types import TYPES

PAGE = Path(__file__).parents[2] / "docs" / "triggers.md"


def test_the_page_is_what_the_declarations_give() -> None:
    assert PAGE.read_text() == reference(), "run: make generate"


def test_every_type_has_a_section_and_every_parameter_a_meaning() -> None:
    page = reference()
    for name in TYPES:
        assert f"\n## {name}\n" in page
    assert [line for line in page.splitlines() if line.startswith("| ") and line.endswith("|  |")] == []
