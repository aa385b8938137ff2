"""The reference table of the kinds: ``python -m scaler.api.reference docs/kinds.md`` writes it.

Made from the same schemas as the definitions, so that the two cannot differ. It explains fields, not behaviour.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from scaler.api import crd, scaledobject
from scaler.api.crd import SERVED, Schema, Served

HEADER = """\
<!-- Generated from scaler/api by `python -m scaler.api.reference docs/kinds.md`: edit the kinds, not this file. -->
# The kinds

API group `keda.sh`, version `v1alpha1`. Every kind has a `status` subresource. A default that is given in words
("30 when unset") is applied by the operator; one in the column *default* is filled in by the API server.
"""
LIMITS = {
    "minimum": "≥ {}",
    "maximum": "≤ {}",
    "minLength": "at least {} character",
    "minItems": "at least {} item",
    "format": "{}",
}


class Annotation(msgspec.Struct, frozen=True):
    """One annotation that changes what the operator does."""

    name: str
    on: str
    value: str
    effect: str


TRUTH = "true or false; anything else counts as true"
ANNOTATIONS = (
    Annotation(scaledobject.PAUSED, "ScaledObject", TRUTH, "Stops scaling and deletes the HPA; the replicas stay."),
    Annotation(scaledobject.PAUSED_REPLICAS, "ScaledObject", "a number", "Scales to that number, then pauses."),
    Annotation(scaledobject.PAUSED_SCALE_IN, "ScaledObject", TRUTH, "Nothing is scaled down."),
    Annotation(scaledobject.PAUSED_SCALE_OUT, "ScaledObject", TRUTH, "Nothing is scaled up."),
    Annotation(scaledobject.FORCE_ACTIVATION, "ScaledObject", TRUTH, "Active whatever the triggers say."),
    Annotation(
        scaledobject.TRANSFER_HPA_OWNERSHIP,
        "ScaledObject",
        "true",
        "Adopts the existing HPA that advanced.horizontalPodAutoscalerConfig.name names.",
    ),
    Annotation(
        scaledobject.HPA_EXCLUDED_LABELS,
        "ScaledObject",
        "names, comma-joined",
        "These labels are not copied to the HPA.",
    ),
    Annotation(
        scaledobject.HPA_OWNERSHIP, "HorizontalPodAutoscaler", "false", "A second HPA may stand beside this one."
    ),
    Annotation(
        scaledobject.NO_DATA,
        "ScaledObject",
        "upstream, strict",
        "strict goes to zero only on a fresh zero of every trigger.",
    ),
    Annotation(
        scaledobject.ACTIVATE_TO,
        "ScaledObject",
        "minimum, demand",
        "demand activates straight to what the readings ask for.",
    ),
)


def reference() -> str:
    """The whole page."""
    return "\n".join([HEADER, *(_kind(served) for served in SERVED), _annotations()])


def _kind(served: Served) -> str:
    whole = crd.schema(served.model)
    scope = "namespaced" if served.namespaced else "cluster-wide"
    columns = ", ".join(column.name + (" (wide)" if column.priority else "") for column in served.columns)
    lines = [
        f"## {served.kind}\n",
        f"{whole['description']}\n",
        f"`{served.plural}`, short {', '.join(f'`{name}`' for name in served.short_names)}; {scope}.",
        f"`kubectl get` prints {columns}.\n",
        *_rules(whole),
        "| field | type | default | limits | meaning |",
        "|---|---|---|---|---|",
        *(_row(*field) for field in _fields(whole["properties"]["spec"], "spec")),
        *(_row(*field) for field in _fields(whole["properties"]["status"], "status")),
    ]
    return "\n".join(lines) + "\n"


def _rules(whole: Schema) -> list[str]:
    rules = whole["properties"]["spec"].get("x-kubernetes-validations", ())
    return [f"Rule: {rule['message']}.\n" for rule in rules]


def _fields(part: Schema, path: str) -> Iterator[tuple[str, Schema, bool]]:
    required = part.get("required", ())
    for name, member in part.get("properties", {}).items():
        here = f"{path}.{name}"
        yield here, member, name in required
        yield from _below(member, here)


def _below(member: Schema, path: str) -> Iterator[tuple[str, Schema, bool]]:
    if "items" in member:
        yield from _fields(member["items"], f"{path}[]")
    elif "additionalProperties" in member:
        yield from _fields(member["additionalProperties"], f"{path}.*")
    else:
        yield from _fields(member, path)


def _row(path: str, member: Schema, required: bool) -> str:
    default = f"`{member['default']}`" if "default" in member else "required" if required else ""
    cells = (f"`{path}`", _type(member), default, _limits(member), member.get("description", ""))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _type(member: Schema) -> str:
    if "items" in member:
        return f"list of {_type(member['items'])}"
    if "additionalProperties" in member:
        return f"map to {_type(member['additionalProperties'])}"
    return str(member.get("type", "integer or string"))


def _limits(member: Schema) -> str:
    said = [words.format(member[key]) for key, words in LIMITS.items() if key in member]
    if "enum" in member:
        said.append(", ".join(f"`{value}`" if value else "empty" for value in member["enum"]))
    return "; ".join(said)


def _annotations() -> str:
    rows = (f"| `{one.name}` | {one.on} | {one.value} | {one.effect} |" for one in ANNOTATIONS)
    head = ("## Annotations\n", "| annotation | on | value | effect |", "|---|---|---|---|")
    return "\n".join((*head, *rows)) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference())
