"""What a class declares about its fields."""

from typing import Annotated, ClassVar

import msgspec

from scaler.declare import REQUIRED, declarations


class Base:
    first: int
    """Comes first."""


class Declared(Base):
    second: Annotated[str, "mark"] = "x"
    """Has a mark,
    and two lines."""
    bare: float = 1.0
    common: ClassVar[int] = 3
    """Is no field."""
    _hidden: int = 0

    class Inner:
        third: int = 3
        """Within."""


class Struct(msgspec.Struct, frozen=True):
    many: list[int] = []
    """Made anew."""
    one: int = 1


def test_a_field_comes_with_its_type_marks_default_and_docstring() -> None:
    told = [(one.name, one.type, one.marks, one.default, one.doc) for one in declarations(Declared)]
    assert told == [
        ("first", int, (), REQUIRED, "Comes first."),
        ("second", str, ("mark",), "x", "Has a mark, and two lines."),
        ("bare", float, (), 1.0, ""),
    ]


def test_a_class_within_a_class_has_its_own_docstrings() -> None:
    assert [one.doc for one in declarations(Declared.Inner)] == ["Within."]


def test_a_struct_gives_what_its_factories_make() -> None:
    assert [(one.default, one.doc) for one in declarations(Struct)] == [([], "Made anew."), (1, "")]


def test_a_class_within_a_function_is_read_too() -> None:
    class Local:
        field: int = 0
        """Here."""

    assert [one.doc for one in declarations(Local)] == ["Here."]


def test_a_class_without_source_has_no_docstrings() -> None:
    made = type("Made", (), {"__annotations__": {"field": int}, "__module__": "nowhere"})
    assert declarations(made)[0].doc == ""
