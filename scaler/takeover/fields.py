"""Settings of somebody else's that a takeover changes: where each stands in its object, read and put. Pure.

A value is JSON, None for absent; what `read` gives can be `put` back, so that a rollback restores exactly what was.
"""

import copy
from typing import Any, Protocol

import msgspec

from scaler.api.meta import Raw
from scaler.kube.resources import Resource


class Place(msgspec.Struct, frozen=True):
    """One object."""

    resource: Resource
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


class Field(Protocol):
    """One setting in one object."""

    @property
    def place(self) -> Place: ...

    @property
    def title(self) -> str:
        """What it is, for a person."""
        ...

    @property
    def restarts(self) -> bool:
        """Whether a change of it restarts pods."""
        ...

    def read(self, body: Raw) -> Any: ...

    def put(self, body: Raw, value: Any) -> Raw:
        """A copy of the object with the value."""
        ...

    def shown(self, value: Any) -> str:
        """A value, for a person."""
        ...


def key(field: Field) -> str:
    """The field's name in the record."""
    return f"{field.place}: {field.title}"


class EnvField(msgspec.Struct, frozen=True):
    """A variable of a container; its value is its whole entry."""

    place: Place
    container: str
    name: str
    restarts: bool = True

    @property
    def title(self) -> str:
        return f"env {self.name} of container {self.container}"

    def read(self, body: Raw) -> Any:
        entries = container_of(body, self.container).get("env") or []
        return next((entry for entry in entries if entry.get("name") == self.name), None)

    def put(self, body: Raw, value: Any) -> Raw:
        body = copy.deepcopy(body)
        container = container_of(body, self.container)
        entries = list(container.get("env") or [])
        at = next((index for index, entry in enumerate(entries) if entry.get("name") == self.name), len(entries))
        entries[at : at + 1] = [] if value is None else [value]
        _set(container, "env", entries)
        return body

    def shown(self, value: Any) -> str:
        if value is None:
            return "not set"
        if "valueFrom" in value:
            return f"from {msgspec.json.encode(value['valueFrom']).decode()}"
        return str(value.get("value") or "empty")


class FlagField(msgspec.Struct, frozen=True):
    """A flag of a container; its value is the words it takes in the arguments."""

    place: Place
    container: str
    flag: str
    """With its dashes."""
    restarts: bool = True

    @property
    def title(self) -> str:
        return f"{self.flag} of container {self.container}"

    def read(self, body: Raw) -> Any:
        arguments = container_of(body, self.container).get("args") or []
        begin, end = _span(arguments, self.flag)
        return arguments[begin:end] or None

    def put(self, body: Raw, value: Any) -> Raw:
        body = copy.deepcopy(body)
        container = container_of(body, self.container)
        arguments = list(container.get("args") or [])
        begin, end = _span(arguments, self.flag)
        arguments[begin:end] = value or []
        _set(container, "args", arguments)
        return body

    def shown(self, value: Any) -> str:
        return " ".join(value) if value else "not set"


class ReplicasField(msgspec.Struct, frozen=True):
    """How many pods a Deployment has."""

    place: Place
    restarts: bool = True

    @property
    def title(self) -> str:
        return "replicas"

    def read(self, body: Raw) -> Any:
        return body["spec"].get("replicas")

    def put(self, body: Raw, value: Any) -> Raw:
        body = copy.deepcopy(body)
        _set(body["spec"], "replicas", value)
        return body

    def shown(self, value: Any) -> str:
        return "not set" if value is None else str(value)


class ServiceField(msgspec.Struct, frozen=True):
    """Whom an APIService leads to, and how it is trusted."""

    place: Place
    restarts: bool = False

    @property
    def title(self) -> str:
        return "service"

    def read(self, body: Raw) -> Any:
        spec = body["spec"]
        return {name: spec[name] for name in ("service", "caBundle", "insecureSkipTLSVerify") if name in spec}

    def put(self, body: Raw, value: Any) -> Raw:
        body = copy.deepcopy(body)
        for name in ("service", "caBundle", "insecureSkipTLSVerify"):
            _set(body["spec"], name, value.get(name))
        return body

    def shown(self, value: Any) -> str:
        service = value.get("service") or {}
        trust = "trusted unseen" if value.get("insecureSkipTLSVerify") else "trusted by its authority"
        return f"{service.get('namespace')}/{service.get('name')}:{service.get('port', 443)}, {trust}"


class SelectorField(msgspec.Struct, frozen=True):
    """The namespaces that a webhook is called for; its value is the selector of each webhook, by name."""

    place: Place
    restarts: bool = False

    @property
    def title(self) -> str:
        return "namespaceSelector"

    def read(self, body: Raw) -> Any:
        return {one["name"]: one.get("namespaceSelector") for one in body.get("webhooks") or []}

    def put(self, body: Raw, value: Any) -> Raw:
        body = copy.deepcopy(body)
        for one in body.get("webhooks") or []:
            if one["name"] in value:
                _set(one, "namespaceSelector", value[one["name"]])
        return body

    def shown(self, value: Any) -> str:
        return "; ".join(f"{name}: {msgspec.json.encode(one or {}).decode()}" for name, one in value.items())


def container_of(body: Raw, name: str) -> Raw:
    """A container of a pod template; KeyError when there is none of that name."""
    for container in body["spec"]["template"]["spec"]["containers"]:
        if container.get("name") == name:
            found: Raw = container
            return found
    raise KeyError(name)


def flag_value(arguments: list[str], flag: str) -> str | None:
    """What a flag is set to; None when it is not there, "true" when it has no value."""
    begin, end = _span(arguments, flag)
    if begin == end:
        return None
    word = arguments[begin]
    if "=" in word:
        return word.partition("=")[2]
    return arguments[begin + 1] if end - begin == 2 else "true"


def _span(arguments: list[str], flag: str) -> tuple[int, int]:
    """Where a flag stands, the last time it does (which counts), with its value; an empty span at the end if nowhere.

    Go's flags are written with one dash or two, with ``=`` or with the value as the next word.
    """
    spelt = {flag, flag.removeprefix("-")}
    for index in reversed(range(len(arguments))):
        word, equals, _ = arguments[index].partition("=")
        if word in spelt:
            follows = index + 1 < len(arguments) and not arguments[index + 1].startswith("-")
            return index, index + (2 if follows and not equals else 1)
    return len(arguments), len(arguments)


def _set(holder: Raw, name: str, value: Any) -> None:
    if value in (None, []):
        holder.pop(name, None)
    else:
        holder[name] = value
