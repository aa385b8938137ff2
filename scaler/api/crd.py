"""CustomResourceDefinitions, generated from the kinds: ``python -m scaler.api.crd crds/`` writes them.

The shape is that of KEDA and of VPA: names, columns, limits, enumerations, and only those defaults that their own
definitions carry (a default that a controller applies stays out, or ``kubectl get`` would show it). A limit that no
type can say stands as `msgspec.Meta(extra_json_schema=...)` at the field; ``extra={"required": True}`` marks a field
that is required although it has a default. It does not check objects: `scaler.api.schema` does.
"""

import sys
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
import yaml

from scaler import declare
from scaler.api.authentication import ClusterTriggerAuthentication, TriggerAuthentication
from scaler.api.scaledobject import ScaledObject
from scaler.api.verticalpodautoscaler import (
    OLD_VERSION,
    VERSION,
    VerticalPodAutoscaler,
    VerticalPodAutoscalerCheckpoint,
)

Schema = dict[str, Any]

HEADER = "# Generated from scaler/api by `python -m scaler.api.crd crds/`: edit the kinds, not this file.\n"
MEMBERS = ("spec", "status")
SCALARS: dict[Any, str] = {str: "string", bool: "boolean", int: "integer", float: "number"}
LIMITS = (("ge", "minimum"), ("le", "maximum"), ("pattern", "pattern"))


class Column(msgspec.Struct, frozen=True):
    """What ``kubectl get`` prints."""

    name: str
    path: str
    type: str = "string"
    priority: int = 0
    """0 always, 1 with ``-o wide``."""


class Served(msgspec.Struct, frozen=True):
    """One kind as the API server knows it."""

    model: type[msgspec.Struct]
    plural: str
    short_names: tuple[str, ...]
    columns: tuple[Column, ...] = ()
    namespaced: bool = True
    versions: tuple[str, ...] = ("v1alpha1",)
    """The stored one first; all are served, and all have the same fields."""
    status: bool = True
    """Has a status subresource."""
    annotations: dict[str, str] = {}
    """Of the definition itself."""

    @property
    def kind(self) -> str:
        return self.model.__name__

    @property
    def group(self) -> str:
        return stored_version(self.model).partition("/")[0]

    @property
    def name(self) -> str:
        """The definition's own name."""
        return f"{self.plural}.{self.group}"


def _condition(kind: str) -> Column:
    return Column(kind, f'.status.conditions[?(@.type=="{kind}")].status')


_AUTHENTICATION_COLUMNS = (
    Column("PodIdentity", ".spec.podIdentity.provider"),
    Column("Secret", ".spec.secretTargetRef[*].name"),
    Column("Env", ".spec.env[*].name"),
    Column("VaultAddress", ".spec.hashiCorpVault.address"),
)
_APPROVED = {"api-approved.kubernetes.io": "https://github.com/kubernetes/kubernetes/pull/63797"}
"""The API server refuses definitions of groups under k8s.io that do not say who approved them."""
_USERS_COLUMNS = (
    Column("ScaledObjects", ".status.scaledobjects", priority=1),
    Column("ScaledJobs", ".status.scaledjobs", priority=1),
)

SERVED = (
    Served(
        ScaledObject,
        "scaledobjects",
        ("so",),
        (
            Column("ScaleTargetKind", ".status.scaleTargetKind"),
            Column("ScaleTargetName", ".spec.scaleTargetRef.name"),
            Column("Min", ".spec.minReplicaCount", "integer"),
            Column("Max", ".spec.maxReplicaCount", "integer"),
            *(_condition(kind) for kind in ("Ready", "Active", "Fallback", "Paused")),
            Column("Triggers", ".status.triggersTypes"),
            Column("Authentications", ".status.authenticationsTypes"),
            Column("Age", ".metadata.creationTimestamp", "date"),
        ),
    ),
    Served(
        TriggerAuthentication,
        "triggerauthentications",
        ("ta", "triggerauth"),
        (*_AUTHENTICATION_COLUMNS, *_USERS_COLUMNS),
    ),
    Served(
        ClusterTriggerAuthentication,
        "clustertriggerauthentications",
        ("cta", "clustertriggerauth"),
        (*_AUTHENTICATION_COLUMNS, Column("FilePath", ".spec.filePath"), *_USERS_COLUMNS),
        namespaced=False,
    ),
    Served(
        VerticalPodAutoscaler,
        "verticalpodautoscalers",
        ("vpa",),
        (
            Column("Mode", ".spec.updatePolicy.updateMode"),
            Column("CPU", ".status.recommendation.containerRecommendations[0].target.cpu"),
            Column("Mem", ".status.recommendation.containerRecommendations[0].target.memory"),
            Column("Provided", ".status.conditions[?(@.type=='RecommendationProvided')].status"),
            Column("Age", ".metadata.creationTimestamp", "date"),
            Column("MinReplicas", ".spec.updatePolicy.minReplicas", "integer", priority=1),
            Column("OOMSeconds", ".spec.updatePolicy.evictAfterOOMSeconds", "integer", priority=1),
        ),
        versions=(VERSION, OLD_VERSION),
        annotations=_APPROVED,
    ),
    Served(
        VerticalPodAutoscalerCheckpoint,
        "verticalpodautoscalercheckpoints",
        ("vpacheckpoint",),
        versions=(VERSION, OLD_VERSION),
        status=False,
        annotations=_APPROVED,
    ),
)
"""The kinds that this build serves, in the order of the documentation."""


def definitions() -> dict[str, Schema]:
    """Every CustomResourceDefinition, by its name."""
    return {served.name: definition(served) for served in SERVED}


def definition(served: Served) -> Schema:
    """The apiextensions.k8s.io/v1 manifest of one kind."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": served.name} | ({"annotations": served.annotations} if served.annotations else {}),
        "spec": {
            "group": served.group,
            "names": {
                "kind": served.kind,
                "listKind": f"{served.kind}List",
                "plural": served.plural,
                "shortNames": list(served.short_names),
                "singular": served.kind.lower(),
            },
            "scope": "Namespaced" if served.namespaced else "Cluster",
            "versions": [_version(served, name) for name in served.versions],
        },
    }


def _version(served: Served, name: str) -> Schema:
    columns = [_column(column) for column in served.columns]
    return {
        "name": name,
        "served": True,
        "storage": name == served.versions[0],
        **({"additionalPrinterColumns": columns} if columns else {}),
        **({"subresources": {"status": {}}} if served.status else {}),
        "schema": {"openAPIV3Schema": schema(served.model, f"{served.group}/{name}")},
    }


def stored_version(model: type[msgspec.Struct]) -> str:
    """The apiVersion that objects of a kind are stored in."""
    return str(next(field.default for field in declare.declarations(model) if field.name == "api_version"))


def _column(column: Column) -> Schema:
    printed = {"name": column.name, "type": column.type, "jsonPath": column.path}
    return printed | ({"priority": column.priority} if column.priority else {})


def schema(model: type[msgspec.Struct], api_version: str = "") -> Schema:
    """The structural schema of a whole object of a kind, in the stored version when none is said."""
    fields = {field.name: field for field in declare.declarations(model)}
    required = [name for name in MEMBERS if _required(fields[name])]
    return {
        "description": _sentence(model.__doc__),
        "type": "object",
        **({"required": required} if required else {}),
        "properties": {
            "apiVersion": {"type": "string", "description": api_version or stored_version(model)},
            "kind": {"type": "string", "description": model.__name__},
            "metadata": {"type": "object"},
            **{name: _described(fields[name], of(_whole(fields[name]))) for name in MEMBERS},
        },
    }


def of(hint: Any) -> Schema:
    """The schema of one annotated type; TypeError for one that no schema can say."""
    origin = get_origin(hint)
    if origin is Annotated:
        bare, *marks = get_args(hint)
        return _limited(of(bare), marks)
    if origin in {Union, UnionType}:
        return _of_union([part for part in get_args(hint) if part is not NoneType])
    if origin is Literal:
        return {"type": "string", "enum": [value for value in get_args(hint) if value]}
    if origin is tuple:
        return {"type": "array", "items": of(get_args(hint)[0])}
    if origin is dict:
        return _of_map(get_args(hint)[1])
    return _of_plain(hint)


def _of_map(values: Any) -> Schema:
    """Texts to something; to anything means that the object is kept as it stands."""
    if values is Any:
        return {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {"type": "object", "additionalProperties": of(values)}


def _of_plain(hint: Any) -> Schema:
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return _of_struct(hint)
    if hint not in SCALARS:
        raise TypeError(f"no schema for {hint!r}")
    return {"type": SCALARS[hint]}


def _of_union(parts: list[Any]) -> Schema:
    """One type is that type; several are said by the mark around them (an int or a string)."""
    return of(parts[0]) if len(parts) == 1 else {}


def _of_struct(cls: type[msgspec.Struct]) -> Schema:
    names = {field.name: field.encode_name for field in msgspec.structs.fields(cls)}
    fields = declare.declarations(cls)
    required = sorted(names[field.name] for field in fields if _required(field))
    properties = {names[field.name]: _described(field, of(_whole(field))) for field in fields}
    made = {"description": _sentence(cls.__doc__), "type": "object", "properties": properties}
    return made | ({"required": required} if required else {})


def _required(field: declare.Declaration) -> bool:
    asked = any(isinstance(mark, msgspec.Meta) and (mark.extra or {}).get("required") for mark in field.marks)
    return asked or field.default is declare.REQUIRED


def _whole(field: declare.Declaration) -> Any:
    return Annotated[(field.type, *field.marks)] if field.marks else field.type


def _limited(made: Schema, marks: list[Any]) -> Schema:
    for mark in marks:
        if isinstance(mark, msgspec.Meta):
            made = made | _limits(mark, made.get("type")) | (mark.extra_json_schema or {})
    return made


def _limits(mark: msgspec.Meta, kind: str | None) -> Schema:
    said = {name: getattr(mark, field) for field, name in LIMITS}
    said["minItems" if kind == "array" else "minLength"] = mark.min_length
    said["maxItems" if kind == "array" else "maxLength"] = mark.max_length
    return {name: value for name, value in said.items() if value is not None}


def _described(field: declare.Declaration, made: Schema) -> Schema:
    """The words under the field say more than those of its type."""
    words = _sentence(field.doc)
    return (
        {"description": words, **{key: value for key, value in made.items() if key != "description"}}
        if words
        else made
    )


def _sentence(doc: str | None) -> str:
    """The text in one line, its ``literals`` as plain quotes."""
    return " ".join((doc or "").split()).replace("``", "'")


# -- writing ---------------------------------------------------------------------------------------------------


def files() -> dict[str, str]:
    """File name to content, for `crds/`."""
    return {f"{served.group}_{served.plural}.yaml": HEADER + _yaml(definition(served)) for served in SERVED}


class _Plain(yaml.SafeDumper):
    """Without anchors: kubectl reads them, people do not."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's signature
        return True


def _yaml(manifest: Schema) -> str:
    return yaml.dump(manifest, Dumper=_Plain, sort_keys=False, width=118, allow_unicode=True)


def main(folder: str) -> None:
    """Write every definition into the folder, and leave nothing else there that ends in .yaml."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    for stale in set(target.glob("*.yaml")) - {target / name for name in files()}:
        stale.unlink()
    for name, text in files().items():
        (target / name).write_text(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
