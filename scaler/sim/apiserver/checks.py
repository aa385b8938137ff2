"""What the server refuses of the built-in kinds, beyond metadata: the mistakes that people make around scaling.

A full validation of every built-in field is not its aim.
Source of the words: a kube-apiserver 1.36.
"""

from collections.abc import Iterator
from typing import Any

from scaler.api.constraints import shown
from scaler.errors import Problem
from scaler.sim.apiserver import metadata, pod_checks, selectors
from scaler.sim.apiserver.resources import at

Object = dict[str, Any]

KEY_RULE = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  "
    "or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)
PERCENT_RULE = (
    "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for "
    "validation is '[0-9]+%')"
)


def workload(obj: Object, old: Object | None) -> list[Problem]:
    """Deployments, ReplicaSets and StatefulSets."""
    return list(_workload(obj, old))


def _workload(obj: Object, old: Object | None) -> Iterator[Problem]:
    spec = obj["spec"]
    yield from _at_least(spec, "replicas", "spec.replicas", 0)
    selector, template = spec.get("selector"), spec.get("template") or {}
    labels = at(template, "metadata.labels")
    if not selector:
        yield Problem("spec.selector", "Required value")
    if not selector or not selectors.from_object(selector)(labels or {}):
        said = "`selector` does not match template `labels`"
        yield Problem("spec.template.metadata.labels", f"Invalid value: {shown(labels)}: {said}", labels)
    if old is not None and old["spec"].get("selector") != selector:
        yield Problem("spec.selector", f"Invalid value: {shown(selector)}: field is immutable", selector)
    yield from pod_checks.containers(template.get("spec") or {}, "spec.template.spec")
    policy = at(template, "spec.restartPolicy")
    if policy not in {None, "Always"}:
        said = f'Unsupported value: "{policy}": supported values: "Always"'
        yield Problem("spec.template.spec.restartPolicy", said, policy)


def job(obj: Object, old: Object | None) -> list[Problem]:
    spec = obj["spec"]
    problems = [*_at_least(spec, "parallelism", "spec.parallelism", 0)]
    problems += _at_least(spec, "completions", "spec.completions", 0)
    problems += pod_checks.containers(at(spec, "template.spec") or {}, "spec.template.spec")
    policy = at(spec, "template.spec.restartPolicy")
    if policy == "Always":
        said = 'Required value: valid values: "OnFailure", "Never"'
        problems.append(Problem("spec.template.spec.restartPolicy", said, policy))
    if old is not None and old["spec"].get("template") != spec.get("template"):
        problems.append(Problem("spec.template", "Invalid value: field is immutable"))
    return problems


def config_map(obj: Object, old: Object | None) -> list[Problem]:
    problems = [
        Problem(f"data[{key}]", f'Invalid value: "{key}": {KEY_RULE}')
        for key in obj.get("data") or ()
        if not all(sign.isalnum() or sign in "-_." for sign in key)
    ]
    if old is not None and old.get("immutable") and obj.get("data") != old.get("data"):
        problems.append(Problem("data", "Forbidden: field is immutable when `immutable` is set"))
    return problems


def service(obj: Object, _: Object | None) -> list[Problem]:
    spec = obj["spec"]
    if spec.get("type") == "ExternalName":
        return [] if spec.get("externalName") else [Problem("spec.externalName", "Required value")]
    if not spec.get("ports") and spec.get("clusterIP") != "None":
        return [Problem("spec.ports", "Required value")]
    return []


def api_service(obj: Object, _: Object | None) -> list[Problem]:
    spec, name = obj["spec"], obj["metadata"].get("name", "")
    wanted = f"{spec.get('version', '')}.{spec.get('group', '')}"
    problems = []
    if name != wanted:
        said = f'Invalid value: "{name}": must be `spec.version+"."+spec.group`: "{wanted}"'
        problems.append(Problem("metadata.name", said, name))
    for field in ("groupPriorityMinimum", "versionPriority"):
        if not spec.get(field):
            said = f"Invalid value: 0: must be positive and less than {20000 if 'group' in field else 1000}"
            problems.append(Problem(f"spec.{field}", said, 0))
    return problems


def definition(obj: Object, old: Object | None) -> list[Problem]:
    """A CustomResourceDefinition: its name, its versions, and that each has a schema."""
    return list(_definition(obj, old))


def _definition(obj: Object, old: Object | None) -> Iterator[Problem]:
    spec, names = obj["spec"], obj["spec"].get("names") or {}
    wanted = f"{names.get('plural', '')}.{spec.get('group', '')}"
    if obj["metadata"].get("name") != wanted:
        name = obj["metadata"].get("name")
        said = f'Invalid value: "{name}": must be spec.names.plural+"."+spec.group'
        yield Problem("metadata.name", said, name)
    for field in ("plural", "kind"):
        if not names.get(field):
            yield Problem(f"spec.names.{field}", "Required value")
    if spec.get("scope") not in {"Cluster", "Namespaced"}:
        said = "Required value" if not spec.get("scope") else f'Unsupported value: "{spec["scope"]}"'
        yield Problem(
            "spec.scope", f'{said}: supported values: "Cluster", "Namespaced"' if spec.get("scope") else said
        )
    yield from _versions(spec.get("versions") or [])
    if old is not None and old["spec"].get("scope") != spec.get("scope"):
        yield Problem("spec.scope", f'Invalid value: "{spec.get("scope")}": field is immutable')


def _versions(versions: list[Object]) -> Iterator[Problem]:
    if sum(bool(part.get("storage")) for part in versions) != 1:
        said = "Invalid value: must have exactly one version marked as storage version"
        yield Problem("spec.versions", said, versions)
    for index, part in enumerate(versions):
        if not at(part, "schema.openAPIV3Schema"):
            yield Problem(f"spec.versions[{index}].schema.openAPIV3Schema", "Required value")
        problem = metadata.name_problem("label", part.get("name", ""))
        if problem:
            yield Problem(f"spec.versions[{index}].name", f'Invalid value: "{part.get("name", "")}": {problem}')


def event(obj: Object, old: Object | None) -> list[Problem]:
    about, namespace = obj.get("involvedObject") or {}, obj["metadata"]["namespace"]
    if old is None and about.get("namespace", "") not in {namespace, "" if namespace == "default" else namespace}:
        said = f'Invalid value: "{about.get("namespace", "")}": does not match event.namespace'
        return [Problem("involvedObject.namespace", said, about.get("namespace", ""))]
    return []


def budget(obj: Object, _: Object | None) -> list[Problem]:
    """A PodDisruptionBudget."""
    spec = obj.get("spec") or {}
    least, most = spec.get("minAvailable"), spec.get("maxUnavailable")
    if least is not None and most is not None:
        said = f"Invalid value: {shown(spec)}: minAvailable and maxUnavailable cannot be both set"
        return [Problem("spec", said, spec)]
    problems = [*_amount_or_share(least, "spec.minAvailable"), *_amount_or_share(most, "spec.maxUnavailable")]
    policy = spec.get("unhealthyPodEvictionPolicy")
    if policy not in {None, "IfHealthyBudget", "AlwaysAllow"}:
        said = f'Unsupported value: "{policy}": supported values: "AlwaysAllow", "IfHealthyBudget"'
        problems.append(Problem("spec.unhealthyPodEvictionPolicy", said, policy))
    return problems


def _amount_or_share(value: Any, path: str) -> Iterator[Problem]:
    if isinstance(value, int) and value < 0:
        yield Problem(path, f"Invalid value: {value}: must be greater than or equal to 0", value)
    if not isinstance(value, str):
        return
    if not (value.endswith("%") and value[:-1].isdigit()):
        yield Problem(path, f'Invalid value: "{value}": {PERCENT_RULE}', value)
    elif int(value[:-1]) > 100:
        yield Problem(path, f'Invalid value: "{value}": must not be greater than 100%', value)


def lease(obj: Object, _: Object | None) -> list[Problem]:
    seconds = at(obj, "spec.leaseDurationSeconds")
    if seconds is not None and seconds <= 0:
        said = f"Invalid value: {seconds}: must be greater than 0"
        return [Problem("spec.leaseDurationSeconds", said, seconds)]
    return []


def _at_least(holder: Object, field: str, path: str, least: int) -> Iterator[Problem]:
    value = holder.get(field)
    if value is not None and value < least:
        said = f"must be greater than or equal to {least}"
        yield Problem(path, f"Invalid value: {value}: {said}", value)
