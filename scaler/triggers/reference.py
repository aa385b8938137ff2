"""The reference page of all trigger types, from their declarations: ``python -m scaler.triggers.reference FILE``."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from scaler.declare import REQUIRED
from scaler.triggers.contract import Trigger
from scaler.triggers.parameters import Parameter, Parameters, Role, declared
from scaler.triggers.types import TYPES

_SOURCES = {"m": "metadata", "a": "authentication", "e": "`{name}FromEnv`"}

_HEAD = """# Trigger types

Generated from the declarations in `scaler/triggers`; do not edit.

Every value of a trigger's metadata is a string. Where a parameter may come from several places they are tried in the
order given, and the first that is not blank wins: *metadata* is the trigger's own, *authentication* is a parameter of
the TriggerAuthentication that it refers to, `NAMEFromEnv` in the metadata names a variable of the target's container.
A duration is written as `30s` or `1m30s`, or as a whole number of milliseconds. **Bold** parameters are required.
"""


def reference() -> str:
    """The page, in Markdown."""
    return "\n".join([_HEAD, *(line for name, cls in TYPES.items() for line in _section(name, cls))])


def _section(name: str, cls: type[Trigger[Any]]) -> Iterator[str]:
    module = sys.modules[cls.__module__]
    yield f"## {name}\n"
    yield f"{(module.__doc__ or '').strip()}\n"
    yield "| parameter | default | from | meaning |"
    yield "|---|---|---|---|"
    yield from _rows(cls.parameters_type)
    yield ""


def _rows(cls: type[Parameters]) -> Iterator[str]:
    for parameter in declared(cls):
        if parameter.block is not None:
            yield from _rows(parameter.block)
        elif parameter.removed:
            yield f"| ~~{parameter.name}~~ | | | {_cell(parameter.doc)} Not read any more: {parameter.removed}. |"
        else:
            yield _row(parameter)


def _row(parameter: Parameter) -> str:
    name = f"**{parameter.name}**" if parameter.required else parameter.name
    also = f" (also {', '.join(parameter.names[1:])})" if len(parameter.names) > 1 else ""
    sources = ", ".join(_SOURCES[source].format(name=parameter.name) for source in parameter.sources)
    secret = " *Secret.*" if Role.SECRET in parameter.roles else ""
    choice = _choice(parameter.type)
    said = f" One of {', '.join(choice)}." if choice else ""
    return f"| {name}{also} | {_default(parameter)} | {sources} | {_cell(parameter.doc)}{said}{secret} |"


def _default(parameter: Parameter) -> str:
    default = parameter.default
    if default is REQUIRED or default in (None, "", (), {}):
        return ""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default:g}`" if isinstance(default, int | float) else f"`{default}`"


def _choice(kind: Any) -> list[str]:
    origin = get_origin(kind)
    if origin is Literal:
        return [str(value) for value in get_args(kind) if value]
    if origin is tuple or origin is Union:
        return _choice(get_args(kind)[0])
    return []


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> None:
    """Write the page to the file named on the command line."""
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(reference())


if __name__ == "__main__":
    main()
