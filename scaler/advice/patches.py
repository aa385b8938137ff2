"""Manifests to paste: patches of workloads, which kubectl and kustomize take, and VerticalPodAutoscalers.

Memory is rounded up to whole MiB: nobody wants 380258472 in a file.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

from scaler.advice.subjects import Advice
from scaler.history.owners import Workload
from scaler.vertical.amounts import RESOURCES, Amounts
from scaler.vertical.quantities import spelt

MIB = 2**20
_VERSIONS = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "ReplicaSet": "apps/v1",
    "CronJob": "batch/v1",
    "Rollout": "argoproj.io/v1alpha1",
    "ReplicationController": "v1",
}
FIXED = {"Pod", "Job"}
"""Kinds whose pods cannot be changed once they are made: their manifests have to be written anew."""

Manifest = dict[str, Any]


def quantities(amounts: Amounts) -> dict[str, str]:
    """As a manifest has them."""
    rounded = {which: -(-value // MIB) * MIB if which == "memory" else value for which, value in amounts.items()}
    return {which: spelt(which, rounded[which]) for which in RESOURCES if which in rounded}


def resources(one: Advice) -> dict[str, Any]:
    """A container's resources: what is recommended, and the limits that go with it where it has limits."""
    found: dict[str, Any] = {"requests": quantities(one.bounds.target)}
    if one.limits:
        found["limits"] = quantities(one.limits)
    return found


def by_workload(advice: Iterable[Advice]) -> list[tuple[Workload, list[Advice]]]:
    """The containers of each."""
    return [(workload, list(own)) for workload, own in groupby(advice, lambda one: one.workload)]


def patch(workload: Workload, advice: Sequence[Advice]) -> Manifest:
    """A strategic merge patch: kubectl patch, kustomize and server-side apply take it as it stands."""
    pod = {"containers": [{"name": one.container, "resources": resources(one)} for one in advice]}
    spec: Manifest = {"template": {"spec": pod}}
    if workload.kind == "CronJob":
        spec = {"jobTemplate": {"spec": spec}}
    elif workload.kind == "Pod":
        spec = pod
    elif workload.kind == "Job":
        spec = {"template": {"spec": pod}}
    version = _VERSIONS.get(workload.kind, "batch/v1" if workload.kind == "Job" else "v1")
    return {
        "apiVersion": version,
        "kind": workload.kind,
        "metadata": {"name": workload.name, "namespace": workload.namespace},
        "spec": spec,
    }


def vpa(workload: Workload) -> Manifest:
    """A VerticalPodAutoscaler that only recommends."""
    return {
        "apiVersion": "autoscaling.k8s.io/v1",
        "kind": "VerticalPodAutoscaler",
        "metadata": {"name": workload.name, "namespace": workload.namespace},
        "spec": {
            "targetRef": {
                "apiVersion": _VERSIONS.get(workload.kind, "v1"),
                "kind": workload.kind,
                "name": workload.name,
            },
            "updatePolicy": {"updateMode": "Off"},
        },
    }


def written(manifest: Mapping[str, Any]) -> str:
    """As YAML."""
    return str(yaml.safe_dump(dict(manifest), sort_keys=False, width=1000))


def command(workload: Workload) -> str:
    """How one applies the patch of that workload."""
    target = f"{workload.kind.lower()} {workload.name}"
    if workload.kind in FIXED:
        return f"write it into the manifest: pods of a {workload.kind} are not changed once they are there"
    return f"kubectl -n {workload.namespace} patch {target} --patch-file {file_name(workload)}"


def file_name(workload: Workload) -> str:
    """The file that its patch is written to."""
    return f"{workload.namespace}-{workload.kind.lower()}-{workload.name}.yaml"


def documents(advice: Iterable[Advice], *, as_vpas: bool = False) -> str:
    """All of them as one stream."""
    parts = []
    for workload, own in by_workload(advice):
        if as_vpas and workload.kind != "Pod":
            parts.append(written(vpa(workload)))
        elif not as_vpas:
            parts.append(f"# {command(workload)}\n{written(patch(workload, own))}")
    return "---\n".join(parts)


def folder(advice: Iterable[Advice], place: Path) -> list[Path]:
    """A file a workload, and a kustomization that names them; the files."""
    place.mkdir(parents=True, exist_ok=True)
    made: list[Path] = []
    for workload, own in by_workload(advice):
        if workload.kind not in FIXED:
            file = place / file_name(workload)
            file.write_text(written(patch(workload, own)))
            made.append(file)
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1alpha1",
        "kind": "Component",
        "patches": [{"path": file.name} for file in made],
    }
    (place / "kustomization.yaml").write_text(written(kustomization))
    return made
