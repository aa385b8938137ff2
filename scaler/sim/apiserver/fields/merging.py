"""What server-side apply makes of an object: the applied fields on top, without those that nobody wants any more."""

from typing import Any

from scaler.sim.apiserver.fields import paths
from scaler.sim.apiserver.fields.paths import Path, Paths
from scaler.sim.apiserver.fields.shapes import Shape

Object = dict[str, Any]


class Twice(Exception):
    """A keyed list has two items of one key; the text says which."""


def merged(live: Any, config: Any, shape: Shape, path: Path = ()) -> Any:
    """The live value with what is applied; raises `Twice`."""
    if not (paths.is_granular(live, shape) and paths.is_granular(config, shape)):
        return _checked(config, shape, path)
    if isinstance(config, dict) and isinstance(live, dict):
        result = dict(live)
        for name, value in config.items():
            part, here = shape.member(name, value), (*path, f"f:{name}")
            result[name] = merged(live[name], value, part, here) if name in live else _checked(value, part, here)
        return result
    return _merged_list(live, config, shape, path)


def _merged_list(live: list[Any], config: list[Any], shape: Shape, path: Path) -> list[Any]:
    _checked(config, shape, path)
    if shape.is_set:
        return [*live, *(item for item in config if item not in live)]
    applied = {paths.element_of(item, shape): item for item in config}
    known = [paths.element_of(item, shape) for item in live]
    result = [
        merged(item, applied[element], shape.items(), (*path, element)) if element in applied else item
        for element, item in zip(known, live, strict=True)
    ]
    return [*result, *(item for element, item in applied.items() if element not in known)]


def _checked(value: Any, shape: Shape, path: Path) -> Any:
    """The value itself, unless a keyed list in it names something twice."""
    if not paths.is_granular(value, shape):
        return value
    seen: set[str] = set()
    for element, (part, below) in paths.children(value, shape):
        if element in seen and isinstance(value, list):
            raise Twice(f"{paths.spelled(path)}: duplicate entries for key {paths.spelled((element,))}")
        seen.add(element)
        _checked(part, below, (*path, element))
    return value


def pruned(value: Any, gone: Paths, kept: Paths, shape: Shape) -> Any:
    """The value without the fields in `gone`, but for those in `kept` or above one of them."""
    held = {path[:length] for path in kept for length in range(1, len(path) + 1)}
    lost = gone - held
    return _pruned(value, lost, shape, ()) if lost else value


def _pruned(value: Any, lost: Paths, shape: Shape, path: Path) -> Any:
    if not paths.is_granular(value, shape) or not any(one[: len(path)] == path for one in lost):
        return value
    left = [
        (element, _pruned(part, lost, below, (*path, element)))
        for element, (part, below) in paths.children(value, shape)
        if (*path, element) not in lost
    ]
    if isinstance(value, dict):
        return {element.removeprefix("f:"): part for element, part in left}
    return [part for _, part in left]
