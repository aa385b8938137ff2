"""The reference table of the kinds: ``python -m scaler.api.reference docs/kinds.md`` writes it.

Made from the same schemas as the definitions, so that the two cannot differ. It explains fields, not behaviour.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec

from scaler.api import crd, scaledobject
from scaler.api import verticalpodautoscaler as vpa
from scaler.api.crd import SERVED, Schema, Served
from scaler.api.disruption_budgets import REASONS

HEADER = """\
<!-- Generated from scaler/api by `python -m scaler.api.reference docs/kinds.md`: edit the kinds, not this file. -->
# The kinds

KEDA's kinds are in the API group `keda.sh`, VPA's in `autoscaling.k8s.io`; all versions of a kind have the same
fields. A default that is given in words ("30 when unset") is applied by the program that acts on the object; one in
the column *default* is filled in by the API server.
"""
LIMITS = {
    "minimum": "≥ {}",
    "maximum": "≤ {}",
    "minLength": "at least {} character",
    "minItems": "at least {} item",
    "format": "{}",
    "nullable": "may be null",
}


class Annotation(msgspec.Struct, frozen=True):
    """One annotation that changes what is done, or says what was."""

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
    Annotation(
        scaledobject.ADOPT,
        "HorizontalPodAutoscaler",
        "true",
        "Lets a user's own HPA act as one with a VPA on its workload: its Utilization targets that the VPA sizes"
        " become absolute. Without this (take it away before you uninstall) or the VPA, it is as its user wrote it.",
    ),
    Annotation(
        scaledobject.ADOPTED,
        "HorizontalPodAutoscaler",
        "written by the operator",
        "Keeps what the user wrote where the operator's targets stand meanwhile; never edit it.",
    ),
    Annotation(
        f"{vpa.POST_PROCESSOR}/<container>{vpa.INTEGER_CPU}",
        "VerticalPodAutoscaler",
        "true",
        "Recommends whole cores for that container.",
    ),
    Annotation(
        vpa.LIMITS,
        "VerticalPodAutoscaler",
        "ratio, equal, no-cpu",
        "equal sets limits to requests; no-cpu takes the cpu limit away, memory keeps its ratio; ratio is VPA's.",
    ),
    Annotation(
        vpa.INIT_CONTAINERS,
        "VerticalPodAutoscaler",
        "none, sidecars, all",
        "Sizes init containers, too: those that run beside the others, or all.",
    ),
    Annotation(
        vpa.MINIMUM_CPU,
        "VerticalPodAutoscaler",
        "a quantity, as in 5m",
        "The least cpu of its pods, instead of the recommender's 25m; shared by their containers.",
    ),
    Annotation(
        vpa.MINIMUM_MEMORY,
        "VerticalPodAutoscaler",
        "a quantity, as in 32Mi",
        "The least memory of its pods, instead of the recommender's 250Mi; shared by their containers.",
    ),
    Annotation(
        vpa.OOM_FLOOR,
        "VerticalPodAutoscaler",
        "a duration, as in 8d",
        "After it was killed for memory a container is so long not sized below what it was then thought to need.",
    ),
    Annotation(
        vpa.OOM_FLOOR, "VerticalPodAutoscalerCheckpoint", "written by the recommender", "Keeps that over restarts."
    ),
    Annotation(
        vpa.FIT_NODE,
        "VerticalPodAutoscaler",
        "true, false",
        "Sizes its pods no larger than the largest node has room for.",
    ),
    Annotation(
        vpa.DISRUPTION_BUDGETS,
        "VerticalPodAutoscaler",
        'JSON, as in [{"pods": "10%"}, {"pods": "0", "schedule": "0 9 * * mon-fri", "duration": "8h"}]',
        "How many running pods may be on the move at once, and when, as Karpenter's budgets say it of nodes; reasons"
        f" are {', '.join(REASONS)}.",
    ),
    Annotation(
        vpa.RESIZE_PENDING_PERIOD,
        "VerticalPodAutoscaler",
        "a duration, as in 5m",
        "In mode InPlaceOrRecreate a resize that has waited so long for room on its node gives way to an eviction.",
    ),
    Annotation(vpa.POD_UPDATES, "Pod", "written at creation", "Says what was set, and what capped it."),
    Annotation(
        vpa.OBSERVED_CONTAINERS, "Pod", "written at creation", "Names the containers the pod was created with."
    ),
    Annotation(vpa.IN_PLACE_UPDATED, "Pod", "true", "Written when the pod was resized while running."),
    Annotation(
        f"{vpa.STARTUP_BOOST}/<container>",
        "Pod",
        "JSON, written at creation",
        "Keeps the resources that a boosted container goes back to.",
    ),
)


def reference() -> str:
    """The whole page."""
    return "\n".join([HEADER, *(_kind(served) for served in SERVED), _annotations()])


def _kind(served: Served) -> str:
    whole = crd.schema(served.model)
    scope = "namespaced" if served.namespaced else "cluster-wide"
    columns = ", ".join(column.name + (" (wide)" if column.priority else "") for column in served.columns)
    versions = " and ".join(f"`{served.group}/{version}`" for version in served.versions)
    status = "its status is a subresource" if served.status else "its status is written with the object"
    short = ", ".join(f"`{name}`" for name in served.short_names)
    lines = [
        f"## {served.kind}\n",
        f"{whole['description']}\n",
        f"`{served.plural}`, short {short}; {versions}; {scope}; {status}.",
        f"`kubectl get` prints {columns or 'Name and Age'}.\n",
        *_rules(whole["properties"]["spec"]),
        "| field | type | default | limits | meaning |",
        "|---|---|---|---|---|",
        *(_row(*field) for field in _fields(whole["properties"]["spec"], "spec")),
        *(_row(*field) for field in _fields(whole["properties"]["status"], "status")),
    ]
    return "\n".join(lines) + "\n"


def _rules(part: Schema) -> list[str]:
    """Of the part and of all below it, each once."""
    own = [f"Rule: {rule['message']}.\n" for rule in part.get("x-kubernetes-validations", ())]
    below = [*part.get("properties", {}).values(), *([part["items"]] if "items" in part else [])]
    return list(dict.fromkeys([*own, *(rule for member in below for rule in _rules(member))]))


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
