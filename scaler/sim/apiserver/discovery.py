"""What the server says it serves: the legacy group and resource lists, and the aggregated ones.

Source: the discovery documents of Kubernetes (APIGroupList, APIResourceList, apidiscovery.k8s.io/v2).
"""

import re
from collections.abc import Iterable
from typing import Any

from scaler.sim.apiserver.registry import Registry, Served
from scaler.sim.apiserver.store import Object

VERSION = {
    "major": "1",
    "minor": "36",
    "emulationMajor": "1",
    "emulationMinor": "36",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "35",
    "gitVersion": "v1.36.0+sim",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "none",
    "compiler": "none",
    "platform": "linux/amd64",
}

REVIEWS: dict[str, tuple[tuple[str, str, bool], ...]] = {
    "authentication.k8s.io": (
        ("tokenreviews", "TokenReview", False),
        ("selfsubjectreviews", "SelfSubjectReview", False),
    ),
    "authorization.k8s.io": (
        ("subjectaccessreviews", "SubjectAccessReview", False),
        ("selfsubjectaccessreviews", "SelfSubjectAccessReview", False),
        ("localsubjectaccessreviews", "LocalSubjectAccessReview", True),
    ),
}
"""Kinds that can only be created, and are not kept."""

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
PREFERRED = ("apiextensions.k8s.io", "apps", "autoscaling", "batch")


class Discovery:
    """Answers for the registry's resources and for the groups of others."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.others: dict[tuple[str, str], list[Object]] = {}
        """APIResources of groups that are answered elsewhere, by group and version."""

    def groups(self) -> Object:
        """GET /apis."""
        listed = [self.group(name) for name in self._group_names()]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}

    def group(self, name: str) -> Object:
        """GET /apis/GROUP, without the kind when it is an entry of the list."""
        versions = [{"groupVersion": f"{name}/{version}", "version": version} for version in self._versions(name)]
        return {"name": name, "versions": versions, "preferredVersion": versions[0]}

    def knows(self, group: str, version: str) -> bool:
        if (group, version) in self.registry.group_versions or (group, version) in self.others:
            return True
        return group in REVIEWS and version == "v1"

    def resources(self, group: str, version: str) -> Object:
        """GET /api/v1 and /apis/GROUP/VERSION."""
        listed: list[Object] = []
        for served in self._of(group, version):
            listed += _entries(served)
        listed += [
            {"name": name, "singularName": kind.lower(), "namespaced": inside, "kind": kind, "verbs": ["create"]}
            for name, kind, inside in REVIEWS.get(group, ())
        ]
        listed += self.others.get((group, version), ())
        spelled = f"{group}/{version}" if group else version
        if not any(served.resource.custom for served in self._of(group, version)):
            listed.sort(key=lambda entry: entry["name"])
        return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": spelled, "resources": listed}

    def aggregated(self, *, core: bool) -> Object:
        """All groups with all their resources in one document; `core` for /api."""
        names = [""] if core else self._group_names()
        items = [
            {
                "metadata": {"name": name} if name else {},
                "versions": [self._version(name, version) for version in self._versions(name)],
            }
            for name in names
        ]
        return {
            "kind": "APIGroupDiscoveryList",
            "apiVersion": "apidiscovery.k8s.io/v2",
            "metadata": {},
            "items": items,
        }

    def _version(self, group: str, version: str) -> Object:
        entries = self.resources(group, version)["resources"]
        parts = [entry for entry in entries if "/" in entry["name"]]
        found = [_aggregated(entry, group, version, parts) for entry in entries if "/" not in entry["name"]]
        return {"version": version, "resources": found, "freshness": "Current"}

    def _of(self, group: str, version: str) -> Iterable[Served]:
        return (served for (at, name, _), served in self.registry.served.items() if (at, name) == (group, version))

    def _group_names(self) -> list[str]:
        names = {group for group, _, _ in self.registry.served} | set(REVIEWS) | {group for group, _ in self.others}
        return sorted(names - {""}, key=lambda name: (name not in PREFERRED, name))

    def _versions(self, group: str) -> list[str]:
        found = [version for at, version, _ in self.registry.served if at == group]
        found += [version for at, version in self.others if at == group]
        found += ["v1"] if group in REVIEWS else []
        return sorted(dict.fromkeys(found), key=_precedence)


def _precedence(version: str) -> tuple[int, int, str]:
    """v2 before v1 before v1beta1 before anything else."""
    stage = 1 if "beta" in version else 2 if "alpha" in version else 0
    number = re.match(r"v(\d+)", version)
    return stage, -int(number[1]) if number else 0, version


def _entries(served: Served) -> list[Object]:
    resource = served.resource
    entry: Object = {
        "name": resource.plural,
        "singularName": resource.singular or resource.kind.lower(),
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        entry["shortNames"] = list(resource.short_names)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    entries = [entry]
    if resource.status:
        entries.append(_subresource(served, "status", resource.kind))
    if resource.scale is not None:
        scale = {"group": "autoscaling", "version": "v1"}
        entries.append({**_subresource(served, "scale", "Scale"), **scale})
    if resource.resize is not None:
        entries.append(_subresource(served, "resize", resource.kind))
    if resource.table == "pods":
        policy = {"group": "policy", "version": "v1", "verbs": ["create"]}
        entries.append({**_subresource(served, "eviction", "Eviction"), **policy})
    return entries


def _subresource(served: Served, name: str, kind: str) -> Object:
    return {
        "name": f"{served.resource.plural}/{name}",
        "singularName": "",
        "namespaced": served.resource.namespaced,
        "kind": kind,
        "verbs": ["get", "patch", "update"],
    }


def _aggregated(entry: Object, group: str, version: str, parts: list[Object]) -> Object:
    """An APIResource in the spelling of aggregated discovery."""
    shown: dict[str, Any] = {
        "resource": entry["name"],
        "responseKind": {"group": group, "version": version, "kind": entry["kind"]},
        "scope": "Namespaced" if entry["namespaced"] else "Cluster",
        "singularResource": entry["singularName"],
        "verbs": entry["verbs"],
    }
    shown |= {name: entry[name] for name in ("shortNames", "categories") if name in entry}
    own = [part for part in parts if part["name"].partition("/")[0] == entry["name"]]
    if own:
        shown["subresources"] = [
            {
                "subresource": part["name"].partition("/")[2],
                "responseKind": {
                    "group": part.get("group", group),
                    "version": part.get("version", version),
                    "kind": part["kind"],
                },
                "verbs": part["verbs"],
            }
            for part in own
        ]
    return shown
