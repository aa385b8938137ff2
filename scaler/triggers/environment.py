"""The environment of the target's container, as `*FromEnv` parameters and authentications read it.

By Kubernetes' rules as far as upstream follows them: envFrom, then env over it, ``$(VAR)`` of what stands before and
``$$`` for a dollar. What only a running pod knows (fieldRef, resourceFieldRef) is left out.
"""

import re
from collections.abc import Mapping
from typing import Any

from scaler.api.meta import Raw
from scaler.triggers.lookup import Reader

_REFERENCE = re.compile(r"\$(?:(?P<dollar>\$)|\((?P<name>[^()]*)\))")


async def container_environment(pod_spec: Raw, container: str, namespace: str, reader: Reader) -> dict[str, str]:
    """The variables of the named container, of the first one without a name; notes go to the reader."""
    found = _container(pod_spec, container)
    if found is None:
        known = ", ".join(str(one.get("name", "")) for one in pod_spec.get("containers") or ())
        reader.note(f"the target has no container {container}" if container else "the target has no containers")
        if container and known:
            reader.note(f"its containers are {known}")
        return {}
    values: dict[str, str] = {}
    for source in found.get("envFrom") or ():
        values |= await _all_of(source, namespace, reader)
    for variable in found.get("env") or ():
        value = await _value(variable, values, namespace, reader)
        if value is not None:
            values[variable["name"]] = value
    return values


def expand(text: str, values: Mapping[str, str]) -> str:
    """The text with ``$(VAR)`` replaced where VAR is known, and ``$$`` as a dollar."""

    def replaced(match: "re.Match[str]") -> str:
        return "$" if match["dollar"] else values.get(match["name"], match[0])

    return _REFERENCE.sub(replaced, text)


def _container(pod_spec: Raw, name: str) -> Raw | None:
    containers: list[Raw] = pod_spec.get("containers") or []
    if not name:
        return containers[0] if containers else None
    everything = [*containers, *(pod_spec.get("initContainers") or [])]
    return next((container for container in everything if container.get("name") == name), None)


async def _all_of(source: Raw, namespace: str, reader: Reader) -> dict[str, str]:
    prefix = source.get("prefix") or ""
    data: dict[str, str] = {}
    if (reference := source.get("configMapRef")) is not None:
        data = await reader.config_map(namespace, reference["name"], optional=bool(reference.get("optional")))
    elif (reference := source.get("secretRef")) is not None:
        data = await reader.secret(namespace, reference["name"], optional=bool(reference.get("optional")))
    return {f"{prefix}{key}": value for key, value in data.items()}


async def _value(variable: Raw, values: Mapping[str, str], namespace: str, reader: Reader) -> str | None:
    """The variable's value; None when only a running pod knows it."""
    origin: Any = variable.get("valueFrom")
    if not origin:
        return expand(variable.get("value") or "", values)
    if (reference := origin.get("secretKeyRef")) is not None:
        read, what = reader.secret, "secret"
    elif (reference := origin.get("configMapKeyRef")) is not None:
        read, what = reader.config_map, "configmap"
    else:
        return None
    optional = bool(reference.get("optional"))
    data = await read(namespace, reference["name"], optional=optional)
    if optional and reference["key"] not in data:
        return None
    return reader.value(data, reference["key"], f"{what} {reference['name']} in {namespace}", optional=optional)
