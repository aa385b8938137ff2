"""What works in a trigger's parameters and should not stay so: warnings and notes, never problems."""

import difflib
import functools
from collections.abc import Iterator, Mapping

from scaler.errors import Problem
from scaler.triggers.parameters import Given, Parameters, Role, every


def warnings(cls: type[Parameters], given: Given) -> list[Problem]:
    """What works and should not stay: unknown keys, parameters about to go, secrets in plain sight."""
    found = list(unknown(cls, given.metadata))
    for parameter in every(cls):
        for name in parameter.names:
            if "m" not in parameter.sources or not given.metadata.get(name, "").strip():
                continue
            if parameter.announced:
                found.append(Problem(f"metadata.{name}", f"is about to be removed: {parameter.announced}"))
            if Role.SECRET in parameter.roles:
                found.append(Problem(f"metadata.{name}", "is a secret in plain sight: give it by authenticationRef"))
    return found


def absent_variables(given: Given) -> Iterator[str]:
    """A note for each variable that is named and not there: the parameter is then read from its next source."""
    for key, variable in given.metadata.items():
        if key.endswith("FromEnv") and given.env is not None and not given.env.get(variable, "").strip():
            yield f"{key} names {variable}, which is not in the environment of the target's container or is blank"


def unknown(cls: type[Parameters], metadata: Mapping[str, str]) -> Iterator[Problem]:
    """A warning for each key that no parameter reads, with the one that was perhaps meant."""
    known = _known_keys(cls)
    for key in metadata:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.75)
            meant = f"did you mean {near[0]}?" if near else "nobody reads it"
            yield Problem(f"metadata.{key}", f"is not a parameter of this type: {meant}")  # its value may be a secret


@functools.cache
def _known_keys(cls: type[Parameters]) -> frozenset[str]:
    keys: set[str] = set()
    for parameter in every(cls):
        if "m" in parameter.sources or parameter.removed:
            keys.update(parameter.names)
        if "e" in parameter.sources:
            keys.update(f"{name}FromEnv" for name in parameter.names)
    return frozenset(keys)
