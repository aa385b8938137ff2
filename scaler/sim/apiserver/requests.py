"""A request as the API understands it: which resource, which object, which verb, and what the query asks.

Source: the request-info rules of the API server (``/api/v1/...``, ``/apis/GROUP/VERSION/...``).
"""

from collections.abc import Mapping
from typing import Any

import msgspec
import yaml

from scaler.errors import Problem
from scaler.sim.apiserver import fieldtypes, refusals
from scaler.sim.apiserver.deletion import DeleteOptions
from scaler.sim.apiserver.registry import Options, Served
from scaler.sim.apiserver.store import Object

JSON, YAML = "application/json", "application/yaml"
MERGE, JSON_PATCH = "application/merge-patch+json", "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"
LONGEST_MANAGER = 128

decode = msgspec.json.Decoder().decode


class Target(msgspec.Struct, frozen=True):
    """What a path names."""

    group: str
    version: str
    namespace: str = ""
    plural: str = ""
    name: str = ""
    subresource: str = ""
    rest: str = ""
    """Whatever follows the subresource."""


def target(path: str) -> Target | None:
    """The target of a path below ``/api`` or ``/apis``; None for other paths and for mere groups."""
    parts = [part for part in path.split("/") if part]
    if len(parts) >= 2 and parts[0] == "api":
        group, version, parts = "", parts[1], parts[2:]
    elif len(parts) >= 3 and parts[0] == "apis":
        group, version, parts = parts[1], parts[2], parts[3:]
    else:
        return None
    namespace = ""
    if len(parts) > 2 and parts[0] == "namespaces" and not (len(parts) == 3 and parts[2] in {"status", "finalize"}):
        namespace, parts = parts[1], parts[2:]
    padded = [*parts[:3], "", "", ""]
    return Target(group, version, namespace, padded[0], padded[1], padded[2], "/".join(parts[3:]))


def flag(query: Mapping[str, str], name: str) -> bool:
    return query.get(name, "") in {"true", "1", "True"}


def options(query: Mapping[str, str], kind: str) -> Options:
    """Of a write (`kind` is CreateOptions and the like); `warnings` is the caller's to read afterwards."""
    check_manager(query, kind)
    dry_run, asked = query.get("dryRun", ""), query.get("fieldValidation", "Warn")
    if dry_run not in {"", "All"}:
        said = f'Unsupported value: ["{dry_run}"]: supported values: "All"'
        raise refusals.invalid("meta.k8s.io", kind, "", [Problem("dryRun", said, dry_run)])
    return Options(dry_run=bool(dry_run), strict=asked == "Strict", quiet=asked == "Ignore", warnings=[])


def manager(query: Mapping[str, str], agent: str) -> str:
    """Under which name a caller owns the fields it writes: as it says, else by its program's name."""
    return query.get("fieldManager") or agent.partition("/")[0] or "unknown"


def check_manager(query: Mapping[str, str], kind: str, *, required: bool = False) -> None:
    """Refuse (422) a name that is too long, or none where one is needed."""
    name = query.get("fieldManager", "")
    if required and not name:
        raise _bad_manager(kind, "Required value: is required for apply patch", name)
    if len(name) > LONGEST_MANAGER:
        raise _bad_manager(kind, f"Too long: may not be more than {LONGEST_MANAGER} bytes", name)


def _bad_manager(kind: str, why: str, name: str) -> refusals.Refusal:
    return refusals.invalid("meta.k8s.io", kind, "", [Problem("fieldManager", why, name)])


def delete_options(query: Mapping[str, str], body: bytes) -> DeleteOptions:
    """From the body, else from the query."""
    asked: dict[str, Any] = decode(body) if body.strip() else {}
    if not asked:
        if "gracePeriodSeconds" in query:
            asked["gracePeriodSeconds"] = int(query["gracePeriodSeconds"])
        if "propagationPolicy" in query:
            asked["propagationPolicy"] = query["propagationPolicy"]
        if "orphanDependents" in query:
            asked["orphanDependents"] = flag(query, "orphanDependents")
    if query.get("dryRun"):
        asked["dryRun"] = [query["dryRun"]]
    known = {key: value for key, value in asked.items() if value is not None}
    try:
        return msgspec.convert(known, DeleteOptions)
    except msgspec.ValidationError as error:
        raise refusals.bad_request(f"invalid DeleteOptions: {error}") from error


def parsed(content_type: str, body: bytes) -> Any:
    """The body of a create or update, or of a patch in JSON."""
    kind = content_type.partition(";")[0].strip().lower() or JSON
    if kind in {JSON, MERGE, JSON_PATCH, STRATEGIC}:
        try:
            return decode(body)
        except msgspec.DecodeError as error:
            raise refusals.bad_request(
                f"the object provided is unrecognized (must be of type JSON): {error}"
            ) from error
    if kind in {YAML, APPLY}:
        try:
            return yaml.safe_load(body)
        except yaml.YAMLError as error:
            prefix = "error decoding YAML: " if kind == APPLY else ""
            raise refusals.bad_request(f"{prefix}error converting YAML to JSON: {error}") from error
    raise refusals.unsupported_media_type((JSON, YAML))


def sent_object(served: Served, kind: str, api_version: str, content: Any) -> Object:
    """The body as an object of the kind that the path names."""
    if not isinstance(content, dict):
        raise refusals.bad_request(f"the object provided is no {kind} but {type(content).__name__}")
    if not served.resource.custom:
        # What the path says already need not be said again, of built-in kinds.
        content = {"kind": kind, "apiVersion": api_version, **content}
    return _checked(served, kind, api_version, content)


def _checked(served: Served, kind: str, api_version: str, content: Object) -> Object:
    for field, name in (("kind", "Kind"), ("apiVersion", "apiVersion")):
        if not content.get(field):
            raise refusals.bad_request(f"Object '{name}' is missing in '{msgspec.json.encode(content).decode()}'")
    if served.resource.custom and kind != "Scale":
        _check_custom(served, content)
    if (content["apiVersion"], content["kind"]) != (api_version, kind):
        found, version = content["kind"], served.version.name
        raise refusals.bad_request(
            f'{found} in version "{version}" cannot be handled as a {kind}: '
            f"{content['apiVersion']} {found} is not {api_version} {kind}"
        )
    return content if kind == "Scale" else readable(served, content)


def _check_custom(served: Served, content: Object) -> None:
    """A custom object that says it is something else is refused in other words than a built-in one."""
    if content["apiVersion"] != served.api_version:
        raise refusals.bad_request(
            f"the API version in the data ({content['apiVersion']}) does not match "
            f"the expected API version ({served.api_version})"
        )
    if content["kind"] != served.resource.kind:
        said = f'Invalid value: "{content["kind"]}": must be {served.resource.kind}'
        name = str((content.get("metadata") or {}).get("name", ""))
        raise refusals.invalid(served.group, content["kind"], name, [Problem("kind", said, content["kind"])])


def readable(served: Served, content: Object) -> Object:
    """The object, unless its fields have types that nobody can read."""
    if served.resource.custom:
        fieldtypes.check_metadata(served.resource.kind, served.version.name, content)
    else:
        fieldtypes.check(served.resource.kind, served.version.name, content)
    return content
