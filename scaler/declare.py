"""What a class declares about its fields: name, type, default, marks, and the docstring under each.

Kinds, trigger parameters and settings are all declared once as annotated classes; parsing, validation, CRDs,
flags and reference tables are derived from what this module reads off them. It converts and checks nothing.
"""

import ast
import functools
import inspect
import sys
import textwrap
from itertools import pairwise
from typing import Annotated, Any, ClassVar, get_args, get_origin, get_type_hints

import msgspec

REQUIRED: Any = msgspec.NODEFAULT
"""The default of a field that has none."""


class Declaration(msgspec.Struct, frozen=True):
    """One field as its class declares it."""

    name: str
    """The Python name."""
    type: Any
    """The bare type, without its marks."""
    marks: tuple[Any, ...]
    """What `Annotated` carries beside the type, outermost class last."""
    default: Any
    """The default value, or `REQUIRED`."""
    doc: str
    """The docstring under the field, in one line."""


@functools.cache
def declarations(cls: type) -> tuple[Declaration, ...]:
    """Every field of the class, its bases' first, in the order they are written."""
    hints = get_type_hints(cls, include_extras=True)
    docs = _docs(cls)
    names = [name for base in reversed(cls.__mro__) for name in inspect.get_annotations(base)]
    return tuple(
        _declaration(cls, name, hints[name], docs.get(name, ""))
        for name in dict.fromkeys(names)
        if not name.startswith("_") and get_origin(hints[name]) is not ClassVar
    )


def _declaration(cls: type, name: str, hint: Any, doc: str) -> Declaration:
    bare, marks = _unwrap(hint)
    return Declaration(name=name, type=bare, marks=marks, default=_defaults(cls).get(name, REQUIRED), doc=doc)


def _unwrap(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    if get_origin(hint) is Annotated:
        bare, *marks = get_args(hint)
        return bare, tuple(marks)
    return hint, ()


@functools.cache
def _defaults(cls: type) -> dict[str, Any]:
    if issubclass(cls, msgspec.Struct):
        return {field.name: _struct_default(field) for field in msgspec.structs.fields(cls)}
    merged = {name: value for base in reversed(cls.__mro__) for name, value in base.__dict__.items()}
    return {name: value for name, value in merged.items() if not name.startswith("__")}


def _struct_default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default


@functools.cache
def _docs(cls: type) -> dict[str, str]:
    """The string that stands under each annotated field, read from the source."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        if inspect.get_annotations(base):
            found |= _docs_of_source(base)
    return found


def _docs_of_source(cls: type) -> dict[str, str]:
    body = _body(cls)
    return {
        field.target.id: inspect.cleandoc(under.value.value).replace("\n", " ")
        for field, under in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(under, ast.Expr)
        and isinstance(under.value, ast.Constant)
        and isinstance(under.value.value, str)
    }


def _body(cls: type) -> list[ast.stmt]:
    """What is written in the class; nothing for a class without source, as in an interactive shell."""
    try:
        if "<locals>" not in cls.__qualname__:
            return _bodies(cls.__module__).get(cls.__qualname__, [])
        node = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    except (OSError, TypeError, KeyError):
        return []
    assert isinstance(node, ast.ClassDef)
    return node.body


@functools.cache
def _bodies(module: str) -> dict[str, list[ast.stmt]]:
    """The bodies of a module's classes by qualified name: it is parsed once, however many classes it has."""
    found: dict[str, list[ast.stmt]] = {}
    _collect(ast.parse(inspect.getsource(sys.modules[module])).body, "", found)
    return found


def _collect(body: list[ast.stmt], prefix: str, found: dict[str, list[ast.stmt]]) -> None:
    for node in body:
        if isinstance(node, ast.ClassDef):
            found[prefix + node.name] = node.body
            _collect(node.body, f"{prefix}{node.name}.", found)
