"""Everything that can be found wrong in a set of manifests without asking a cluster.

Each object by its definition, by its own rules, by its triggers' parameters; and all of them beside each other: two
ScaledObjects or VerticalPodAutoscalers on one workload, the HPA, the containers and the authentications that are in
the same set. It prints nothing.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import msgspec

from scaler.api import authentication_rules, structure, vpa_rules
from scaler.api.authentication import ClusterTriggerAuthentication, TriggerAuthentication
from scaler.api.crd import Served
from scaler.api.meta import Raw
from scaler.api.rules import group
from scaler.api.scaledobject import MINIMUM_WITHIN_MAXIMUM, ScaledObject
from scaler.api.verticalpodautoscaler import BOOST_RULES, VerticalPodAutoscaler, VerticalPodAutoscalerCheckpoint
from scaler.errors import Problem
from scaler.horizontal import admission
from scaler.programs import kinds
from scaler.programs.manifests import Manifest, Unread

Severity = Literal["error", "warning"]
Ours = ScaledObject | TriggerAuthentication | VerticalPodAutoscaler | VerticalPodAutoscalerCheckpoint

_BETTER_SAID = frozenset({MINIMUM_WITHIN_MAXIMUM["message"], *(rule["message"] for rule in BOOST_RULES)})
"""Rules of a definition that one of ours says, too, with the figures and the field."""


class Finding(msgspec.Struct, frozen=True):
    """One thing to tell, at its place."""

    file: str
    line: int
    severity: Severity
    message: str
    path: str = ""
    object: str = ""
    """As in ``scaledobject/worker``; empty for what is no object."""


class Found(msgspec.Struct, frozen=True):
    """All there is to tell."""

    findings: tuple[Finding, ...]
    objects: int
    """Of our kinds."""
    others: int
    """Of kinds that are looked at only beside ours, or not at all."""

    def count(self, severity: Severity) -> int:
        return sum(finding.severity == severity for finding in self.findings)


def find(read: Sequence[Manifest | Unread], namespace: str) -> Found:
    """Judge them together; objects that name no namespace are in this one."""
    judge = _Judge(namespace)
    for one in read:
        judge.take(one)
    judge.compare()
    order = {file: number for number, file in enumerate(dict.fromkeys(one.file for one in read))}
    findings = sorted(judge.findings, key=lambda one: (order[one.file], one.line, one.severity))
    return Found(tuple(findings), judge.objects, judge.others)


class _Judge:
    """What was seen so far, and what is to be told of it."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.findings: list[Finding] = []
        self.objects = self.others = 0
        self.scaled: list[tuple[Manifest, ScaledObject]] = []
        self.sized: list[tuple[Manifest, VerticalPodAutoscaler]] = []
        self.authentications: dict[tuple[str, str, str], TriggerAuthentication] = {}
        self.rest: list[tuple[str, str, str, Raw]] = []
        """Kind, group, namespace and value of every other object."""
        self._seen: dict[tuple[str, str, str], Manifest] = {}

    def take(self, one: Manifest | Unread) -> None:
        """Judge one object by itself."""
        if isinstance(one, Unread):
            self.findings.append(Finding(one.file, one.line, "error", one.message))
        elif not isinstance(one.value, dict):
            if one.asked:
                self._tell(one, "error", [Problem("", "is no object: a mapping with apiVersion and kind is wanted")])
        elif "apiVersion" not in one.value and "kind" not in one.value:
            if one.asked:
                self._tell(one, "error", [Problem("", "is no object: it has neither apiVersion nor kind")])
        else:
            self._take_object(one)

    def compare(self) -> None:
        """Judge them beside each other."""
        for manifest, scaled in self.scaled:
            namespace = scaled.metadata.namespace
            beside = [other for _, other in self.scaled if other.metadata.namespace == namespace]
            refusals = admission.refusals(
                scaled,
                others=[other for other in beside if other.metadata.name != scaled.metadata.name],
                hpas=self._near("HorizontalPodAutoscaler", "autoscaling", namespace),
                pod_spec=self._pod_spec(scaled),
                limit_ranges=self._near("LimitRange", "", namespace),
            )
            self._tell(manifest, "error", [refusal.problem for refusal in refusals])
            self._tell(manifest, "warning", [_told(text) for text in admission.warnings(scaled)])
            self._triggers(manifest, scaled)
        for manifest, vpa in self.sized:
            near = [other for _, other in self.sized if other.metadata.namespace == vpa.metadata.namespace]
            self._tell(manifest, "warning", vpa_rules.neighbours(vpa, near))

    def _triggers(self, manifest: Manifest, scaled: ScaledObject) -> None:
        from scaler.triggers import review  # brings clients along, which other objects need not wait for

        self._tell(manifest, "error", review.errors(scaled, self.authentications))
        self._tell(manifest, "warning", review.warnings(scaled, self.authentications))

    # -- one object --------------------------------------------------------------------------------------------

    def _take_object(self, manifest: Manifest) -> None:
        value: Raw = manifest.value
        kind, version = str(value.get("kind") or ""), str(value.get("apiVersion") or "")
        wrong, served = list(kinds.wrong_kind(kind, version)), kinds.served(kind, version)
        if wrong:
            self.objects += 1
            self._tell(manifest, "error", wrong)
        elif served is not None:
            self.objects += 1
            self._take_ours(manifest, served)
        else:
            self.others += 1
            self.rest.append((kind, group(version), self._place(value), value))

    def _take_ours(self, manifest: Manifest, served: Served) -> None:
        schema = kinds.schema(served.kind)
        errors = structure.errors(schema, manifest.value)
        self._tell(manifest, "error", [one for one in errors if one.message not in _BETTER_SAID])
        self._tell(manifest, "warning", structure.warnings(schema, manifest.value))
        made = self._converted(structure.mended(manifest.value), served.model)
        if made is not None and self._once(manifest, served.kind, made.metadata.namespace, made.metadata.name):
            self._keep(manifest, made, {problem.path for problem in errors})

    def _keep(self, manifest: Manifest, made: Ours, wrong: set[str]) -> None:
        if isinstance(made, ScaledObject):
            self.scaled.append((manifest, made))
        elif isinstance(made, VerticalPodAutoscaler):
            self._tell(manifest, "error", [one for one in vpa_rules.refusals(made) if one.path not in wrong])
            self._tell(manifest, "warning", vpa_rules.warnings(made))
            self.sized.append((manifest, made))
        elif isinstance(made, TriggerAuthentication):
            self._keep_authentication(manifest, made)

    def _keep_authentication(self, manifest: Manifest, made: TriggerAuthentication) -> None:
        from scaler.triggers import credentials

        self._tell(manifest, "error", authentication_rules.problems(made))
        self._tell(manifest, "warning", credentials.unserved(made))
        self.authentications[made.kind, made.metadata.namespace, made.metadata.name] = made

    def _converted(self, value: Raw, model: Any) -> Any:
        """The object for the rules; None when its structure, told already, does not allow it."""
        cluster_wide = issubclass(model, ClusterTriggerAuthentication)
        place = "" if cluster_wide else self._place(value)
        try:
            return msgspec.convert({**value, "metadata": {**value["metadata"], "namespace": place}}, model)
        except (msgspec.ValidationError, KeyError, TypeError):
            return None

    def _once(self, manifest: Manifest, kind: str, namespace: str, name: str) -> bool:
        first = self._seen.setdefault((kind, namespace, name), manifest)
        if first is not manifest and name:
            words = f"{kind} {name} stands in {first.file}:{first.line('metadata.name')} already: the later one wins"
            self._tell(manifest, "error", [Problem("metadata.name", words)])
        return first is manifest

    def _place(self, value: Raw) -> str:
        metadata = value.get("metadata")
        return str((metadata.get("namespace") if isinstance(metadata, dict) else "") or self.namespace)

    # -- the others --------------------------------------------------------------------------------------------

    def _near(self, kind: str, wanted: str, namespace: str) -> list[Raw]:
        return [value for one, at, place, value in self.rest if (one, at, place) == (kind, wanted, namespace)]

    def _pod_spec(self, scaled: ScaledObject) -> Raw | None:
        ref = scaled.spec.scale_target_ref
        for value in self._near(ref.kind, group(ref.api_version), scaled.metadata.namespace):
            if (value.get("metadata") or {}).get("name") == ref.name:
                template: Raw = (value.get("spec") or {}).get("template") or {}
                return template.get("spec")
        return None

    def _tell(self, manifest: Manifest, severity: Severity, problems: Iterable[Problem]) -> None:
        for problem in problems:
            line = manifest.line(_written_path(problem.path))
            told = Finding(manifest.file, line, severity, problem.words, problem.path, _name(manifest.value))
            if told not in self.findings:
                self.findings.append(told)


def _written_path(path: str) -> str:
    """A rule names an annotation in brackets; in the manifest it is a key like any."""
    head, bracket, key = path.partition("annotations[")
    return f"{head}annotations.{key.removesuffix(']')}" if bracket else path


def _told(text: str) -> Problem:
    """A warning that begins with its path."""
    path, space, message = text.partition(" ")
    return Problem(path, message) if space and path.startswith(("spec.", "metadata.")) else Problem("", text)


def _name(value: object) -> str:
    if not isinstance(value, dict):
        return ""
    metadata = value.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return f"{str(value.get('kind') or '?').lower()}/{name or '?'}"
