"""As much OpenAPI v3 as kubectl asks for before it applies: which kinds have which operations, and what they take."""

from scaler.sim.apiserver.registry import Registry, Served
from scaler.sim.apiserver.store import Object

MEDIA = ("application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json")
PARAMETERS = [
    {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
    for name in ("dryRun", "fieldManager", "fieldValidation")
]


def index(registry: Registry) -> Object:
    """GET /openapi/v3: one document a group and version."""
    roots = sorted({_root(served) for served in registry.served.values()})
    return {"paths": {root: {"serverRelativeURL": f"/openapi/v3/{root}?hash=sim"} for root in roots}}


def document(registry: Registry, root: str) -> Object:
    """GET /openapi/v3/ROOT; `root` as in ``apis/apps/v1``."""
    paths: Object = {}
    schemas: Object = {}
    for served in registry.served.values():
        if _root(served) == root:
            paths |= _paths(served, root)
            if served.version.schema is not None:
                # A built-in kind without its fields would mislead kubectl, which knows those by itself.
                schemas[_schema_name(served)] = _schema(served)
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "sim"},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _root(served: Served) -> str:
    return f"apis/{served.api_version}" if served.group else f"api/{served.version.name}"


def _paths(served: Served, root: str) -> Object:
    within = "/namespaces/{namespace}" if served.resource.namespaced else ""
    collection = f"/{root}{within}/{served.resource.plural}"
    kind = {"group": served.group, "version": served.version.name, "kind": served.resource.kind}
    about = {"x-kubernetes-group-version-kind": kind, "responses": {"200": {"description": "OK"}}}
    body = {"content": {media: {"schema": {"type": "object"}} for media in MEDIA}}
    return {
        collection: {"post": {**about, "x-kubernetes-action": "post", "parameters": PARAMETERS}},
        f"{collection}/{{name}}": {
            "patch": {**about, "x-kubernetes-action": "patch", "parameters": PARAMETERS, "requestBody": body}
        },
    }


def _schema_name(served: Served) -> str:
    group = ".".join(reversed((served.group or "core.api.k8s.io").split(".")))
    return f"{group}.{served.version.name}.{served.resource.kind}"


def _schema(served: Served) -> Object:
    kind = {"group": served.group, "version": served.version.name, "kind": served.resource.kind}
    return {**(served.version.schema or {}), "x-kubernetes-group-version-kind": [kind]}
