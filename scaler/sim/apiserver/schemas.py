"""The steps of a write that depend on the kind: dropping unknown fields, defaults, first status, checks."""

from typing import Any

from scaler.api import schema
from scaler.errors import Problem
from scaler.sim.apiserver import metadata, refusals
from scaler.sim.apiserver.resources import Resource, unchecked
from scaler.sim.apiserver.store import Object

# A Served, named only for the type checker: the registry imports this module.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from scaler.sim.apiserver.registry import Served


def pruned(served: "Served", obj: Object, *, strict: bool, quiet: bool, warnings: list[str]) -> Object:
    """A custom object without the fields its schema does not know; refused (400) when the caller is strict.

    `warnings` is told of each, unless the caller wants it quiet.
    """
    shape = _shape(served)
    if shape is None:
        return obj
    unknown = schema.unknown_fields(shape, obj, resource=True)
    if not unknown:
        return obj
    said = [f'unknown field "{path}"' for path in unknown]
    if strict:
        kind, version = served.resource.kind, served.version.name
        raise refusals.bad_request(
            f'{kind} in version "{version}" cannot be handled as a {kind}: strict decoding error: {", ".join(said)}'
        )
    if not quiet:
        warnings.extend(said)
    result: Object = schema.prune(shape, obj, resource=True)
    return result


def fill(served: "Served", obj: Object, now: float) -> None:
    """Defaults, in place."""
    shape = _shape(served)
    if shape is not None:
        filled = schema.default(shape, obj)
        obj.update(filled)
    served.resource.defaults(obj, now)


def complete(resource: Resource, obj: Object, now: float) -> None:
    """What only a new object gets, in place: a custom one starts without the status it may not write."""
    if resource.custom and resource.status:
        obj.pop("status", None)
    resource.created(obj, now)


def check(served: "Served", obj: Object, old: Object | None, subresource: str = "") -> None:
    """Refuse (422) an object with problems, naming them all."""
    problems = list(metadata.problems(served.resource, obj, old))
    shape = _shape(served)
    if shape is not None:
        problems += _schema_problems(shape, obj, old)
    else:
        whole = served.resource.check if subresource in {"", "scale"} else unchecked
        problems += served.resource.subresource_checks.get(subresource, whole)(obj, old)
    if problems:
        raise refusals.invalid(served.group, served.resource.kind, obj["metadata"].get("name", ""), problems)


def version_required(served: "Served", name: str) -> refusals.Refusal:
    """An update of this kind must say which version it replaces."""
    problem = Problem("metadata.resourceVersion", "Invalid value: 0: must be specified for an update", 0)
    return refusals.invalid(served.group, served.resource.plural, name, [problem])


def _schema_problems(shape: dict[str, Any], obj: Object, old: Object | None) -> list[Problem]:
    judged = {key: value for key, value in obj.items() if key != "metadata"}
    before = schema.ABSENT if old is None else old
    return schema.validate(_without_metadata(shape), judged, old=before)


def _without_metadata(shape: dict[str, Any]) -> dict[str, Any]:
    """Metadata has its own rules; what a schema says of it beyond the name is ignored, as it may not say more."""
    properties = {key: part for key, part in shape.get("properties", {}).items() if key != "metadata"}
    required = [name for name in shape.get("required", ()) if name != "metadata"]
    return {**shape, "properties": properties, "required": required}


def _shape(served: "Served") -> dict[str, Any] | None:
    shape = served.version.schema
    return None if shape is None else dict(shape)
