"""How a trigger declares what it may be told, and the one rule of where each value comes from.

A trigger's parameters are the annotated fields of a class, with a docstring under each. From these follow reading
and validation (every problem at once, each at its path), warnings, roles and the reference table. It knows no
trigger type and asks nobody anything.

Source: upstream's typed parameters. Each has an ordered list of sources: the trigger's metadata, the authentication,
and the environment of the target's container (``<name>FromEnv`` in the metadata names the variable). The first one
with a text that is not blank wins.
"""

import enum
import functools
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Annotated, Any, Self, TypeVar

import msgspec

from scaler.declare import REQUIRED, declarations
from scaler.errors import Invalid, Problem
from scaler.triggers.texts import Read, reader


class Role(enum.Enum):
    """What a parameter is to the contract."""

    TARGET = "target"
    """What one replica should stand for."""
    ACTIVATION = "activation"
    """Strictly above it the trigger is active."""
    SECRET = "secret"  # noqa: S105 - a role's name
    """Never shown; given in the authentication rather than in plain metadata."""


_EMPTY: dict[Any, Any] = {int: 0, float: 0.0, bool: False}

Target = Annotated[int, Role.TARGET]
FloatTarget = Annotated[float, Role.TARGET]
OptionalTarget = Annotated[float | None, Role.TARGET]
Activation = Annotated[int, Role.ACTIVATION]
FloatActivation = Annotated[float, Role.ACTIVATION]
Secret = Annotated[str, Role.SECRET]


class Field(msgspec.Struct, frozen=True):
    """Mark that says what the annotation cannot: names and sources."""

    name: str = ""
    """Name in the metadata and in the authentication; the field's own in camelCase when empty."""
    sources: str = "m"
    """Letters in order: m metadata, a authentication, e environment by ``<name>FromEnv``."""
    aliases: tuple[str, ...] = ()
    """Other names, read after the first in each source."""
    removed: str = ""
    """It is not read any more, and this says what to write instead: giving it is a problem."""
    announced: str = ""
    """It is still read and will be removed; this says what to write instead: giving it is a warning."""


class Given(msgspec.Struct, frozen=True):
    """What the parameters are read from. None: not known here, as when a manifest is judged without a cluster."""

    metadata: Mapping[str, str]
    auth: Mapping[str, str] | None = {}
    env: Mapping[str, str] | None = {}


class Parameter(msgspec.Struct, frozen=True):
    """One declared parameter, made ready for reading."""

    field: str
    """The Python name."""
    name: str
    names: tuple[str, ...]
    sources: str
    read: Read | None
    default: Any
    doc: str
    type: Any
    roles: frozenset[Role]
    removed: str = ""
    announced: str = ""
    block: "type[Parameters] | None" = None
    """The parameters it groups, read from the same sources; then it is no parameter itself."""

    @property
    def required(self) -> bool:
        """Without a default it must be given."""
        return self.default is REQUIRED and not self.removed

    def find(self, given: Given) -> "Found | None":
        """The first text that is not blank, by the order of sources."""
        for source in self.sources:
            for name in self.names:
                found = _look(source, name, given)
                if found is not None:
                    return found
        return None

    def may_come(self, given: Given) -> bool:
        """Whether a source that is not known here may hold it."""
        if given.auth is None and "a" in self.sources:
            return True
        return (
            given.env is None
            and "e" in self.sources
            and any(f"{name}FromEnv" in given.metadata for name in self.names)
        )


class Found(msgspec.Struct, frozen=True):
    """A text and where it stood."""

    text: str
    path: str


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """Base of a trigger's parameters and of the blocks that several types share."""

    @classmethod
    def parse(
        cls, metadata: Mapping[str, str], auth: Mapping[str, str] | None = None, env: Mapping[str, str] | None = None
    ) -> Self:
        """Read them all; raises Invalid with every problem, each at its path."""
        parameters, problems = read(cls, Given(metadata, auth or {}, env or {}))
        if problems or parameters is None:
            raise Invalid(problems)
        return parameters

    def problems(self) -> Iterable[Problem]:
        """What is wrong with the values taken together; `complain` makes one."""
        return ()

    def complain(self, field: str, message: str) -> Problem:
        """A problem at the place where this field is usually given."""
        parameter = next(known for known in declared(type(self)) if known.field == field)
        value = getattr(self, field)
        shown = None if Role.SECRET in parameter.roles or value in {"", None} else value
        return Problem(usual_path(parameter), message, shown)


P = TypeVar("P", bound=Parameters)


def read(cls: type[P], given: Given) -> tuple[P | None, list[Problem]]:
    """Read what is given: the parameters (None when one of them cannot be read) and every problem.

    Where a source is not known, a parameter that may come from there is taken as given, with its default.
    """
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for parameter in declared(cls):
        if parameter.block is not None:
            values[parameter.field], found = read(parameter.block, given)
            problems += found
        else:
            values[parameter.field] = _value(parameter, given, problems)
    if problems:
        return None, problems
    parameters = cls(**values)
    return parameters, known_here(cls, parameters.problems(), given)


def known_here(cls: type[Parameters], problems: Iterable[Problem], given: Given) -> list[Problem]:
    """The problems without those of parameters that a source not known here may yet give."""
    found = list(problems)
    if not found:
        return []
    open_paths = {
        path
        for parameter in every(cls)
        if parameter.find(given) is None and parameter.may_come(given)
        for name in parameter.names
        for path in (f"metadata.{name}", f"authentication.{name}")
    }
    return [problem for problem in found if problem.path not in open_paths]


@functools.cache
def declared(cls: type[Parameters]) -> tuple[Parameter, ...]:
    """The class's parameters in the order they are written."""
    return tuple(_parameter(declaration) for declaration in declarations(cls))


@functools.cache
def every(cls: type[Parameters]) -> tuple[Parameter, ...]:
    """The same with the blocks taken apart."""
    return tuple(_flat(cls))


def _flat(cls: type[Parameters]) -> Iterator[Parameter]:
    for parameter in declared(cls):
        if parameter.block is None:
            yield parameter
        else:
            yield from _flat(parameter.block)


def usual_path(parameter: Parameter) -> str:
    """Where one would look for it first."""
    return f"metadata.{parameter.name}" if "m" in parameter.sources else f"authentication.{parameter.name}"


def _parameter(declaration: Any) -> Parameter:
    field = next((mark for mark in declaration.marks if isinstance(mark, Field)), Field())
    kind = declaration.type
    block = kind if isinstance(kind, type) and issubclass(kind, Parameters) else None
    name = field.name or _camel(declaration.name)
    return Parameter(
        field=declaration.name,
        name=name,
        names=(name, *field.aliases),
        sources=field.sources,
        read=None if block else reader(kind, declaration.marks),
        default=declaration.default,
        doc=declaration.doc,
        type=kind,
        roles=frozenset(mark for mark in declaration.marks if isinstance(mark, Role)),
        removed=field.removed,
        announced=field.announced,
        block=block,
    )


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _look(source: str, name: str, given: Given) -> Found | None:
    if source == "e":
        variable = given.metadata.get(f"{name}FromEnv", "")
        text, path = (given.env or {}).get(variable, ""), f"metadata.{name}FromEnv"
    elif source == "a":
        text, path = (given.auth or {}).get(name, ""), f"authentication.{name}"
    else:
        text, path = given.metadata.get(name, ""), f"metadata.{name}"
    text = text.strip()
    return Found(text, path) if text else None


def _value(parameter: Parameter, given: Given, problems: list[Problem]) -> Any:
    found = parameter.find(given)
    if found is None:
        if parameter.required and not parameter.may_come(given):
            problems.append(Problem(usual_path(parameter), _missing(parameter)))
        return _absent(parameter)
    if parameter.removed:
        problems.append(Problem(found.path, f"is not read any more: {parameter.removed}", found.text))
        return parameter.default
    assert parameter.read is not None
    try:
        return parameter.read(found.text)
    except ValueError as error:
        problems.append(Problem(found.path, str(error), None if Role.SECRET in parameter.roles else found.text))
        return parameter.default


def _absent(parameter: Parameter) -> Any:
    """The default; for a required one that is given elsewhere, or reported missing, an empty value."""
    return _EMPTY.get(parameter.type, "") if parameter.default is REQUIRED else parameter.default


def _missing(parameter: Parameter) -> str:
    ways = {
        "m": "here",
        "a": f"as parameter {parameter.name} of the authentication",
        "e": f"by {parameter.name}FromEnv",
    }
    return f"is required: give it {' or '.join(ways[source] for source in parameter.sources)}"


def question(parameters: Parameters) -> tuple[Hashable, ...]:
    """All that decides what the source is asked: every value but the target and the activation."""
    return tuple(
        _hashable(getattr(parameters, parameter.field))
        for parameter in declared(type(parameters))
        if not parameter.roles & {Role.TARGET, Role.ACTIVATION}
    )


def _hashable(value: Any) -> Hashable:
    if isinstance(value, Parameters):
        return question(value)
    return tuple(value.items()) if isinstance(value, dict) else value
