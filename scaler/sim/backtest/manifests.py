"""Workloads and the autoscalers that aim at them, out of manifests: what a backtest plays. It asks no cluster.

Every problem is found at once and named by the object it is in. What is missing and can be assumed is assumed, and
said in the notes.
"""

from collections.abc import Iterable, Sequence
from typing import TypeVar

import msgspec

from scaler.api.meta import Raw
from scaler.api.scaledobject import GroupVersionKindResource, ScaledObject
from scaler.api.verticalpodautoscaler import GROUP as VPA_GROUP
from scaler.api.verticalpodautoscaler import TargetRef, UpdatePolicy, VerticalPodAutoscaler, VerticalPodAutoscalerSpec
from scaler.errors import Problem
from scaler.horizontal.hpa import metric_problems
from scaler.horizontal.readings import Subject
from scaler.quantity import exact_quantity, milli_quantity
from scaler.sim.backtest.scene import Container, MemoryUse, Workload
from scaler.triggers.built import planned
from scaler.vertical.amounts import Amounts, Resource

WORKLOADS = {"Deployment": "deployments", "StatefulSet": "statefulsets", "ReplicaSet": "replicasets"}
"""Kinds that can be played, and their plurals."""
KEPT = 0.7
"""The share of its memory request that a container is taken to keep, where nothing recorded says so."""

Model = TypeVar("Model", ScaledObject, VerticalPodAutoscaler)
Key = tuple[str, str, str]
"""Namespace, kind and name of a workload."""


class Played(msgspec.Struct, frozen=True, eq=False):
    """One workload with its autoscalers."""

    kind: str
    workload: Workload
    hpa: Raw | None = None
    subject: Subject | None = None
    vpa: VerticalPodAutoscaler | None = None
    notes: tuple[str, ...] = ()
    """What had to be assumed."""

    @property
    def key(self) -> Key:
        return (self.workload.namespace, self.kind, self.workload.name)

    @property
    def title(self) -> str:
        """As in ``deployment/web in shop``."""
        return f"{self.kind.lower()}/{self.workload.name} in {self.workload.namespace}"


class Assumed(msgspec.Struct, frozen=True):
    """Autoscalers that workloads without one are given, to see what they would do."""

    vpa: bool = False
    hpa: int = 0
    """Percent of the cpu request; none when 0."""


def played(
    objects: Iterable[Raw], namespace: str, assumed: Assumed | None = None
) -> tuple[list[Played], list[Problem]]:
    """All workloads that an autoscaler aims at, and why the others cannot be played."""
    stage = _Stage(namespace, assumed or Assumed())
    for value in objects:
        stage.take(value)
    return stage.played(), stage.problems


class _Stage:
    def __init__(self, namespace: str, assumed: Assumed) -> None:
        self.problems: list[Problem] = []
        self._namespace = namespace
        self._assumed = assumed
        self._workloads: dict[Key, Raw] = {}
        self._hpas: dict[Key, list[Raw]] = {}
        self._scaled: dict[Key, list[ScaledObject]] = {}
        self._vpas: dict[Key, list[VerticalPodAutoscaler]] = {}

    def take(self, value: Raw) -> None:
        """Sort one object in; what is no part of a backtest is passed over."""
        kind, group = str(value.get("kind", "")), str(value.get("apiVersion", "")).rpartition("/")[0]
        metadata = {"namespace": self._namespace, **(value.get("metadata") or {})}
        value = value | {"metadata": metadata}
        namespace, name = str(metadata["namespace"]), str(metadata.get("name", ""))
        if kind in WORKLOADS and group == "apps":
            self._workloads[namespace, kind, name] = value
        elif kind == "HorizontalPodAutoscaler" and group == "autoscaling":
            self._take_hpa(namespace, value)
        elif kind == "ScaledObject":
            self._take_scaled(namespace, name, value)
        elif kind == "VerticalPodAutoscaler" and group == VPA_GROUP:
            self._take_vpa(namespace, name, value)

    def _take_hpa(self, namespace: str, value: Raw) -> None:
        target = (value.get("spec") or {}).get("scaleTargetRef") or {}
        key = (namespace, str(target.get("kind", "")), str(target.get("name", "")))
        self._hpas.setdefault(key, []).append(_as_v2(value))

    def _take_scaled(self, namespace: str, name: str, value: Raw) -> None:
        scaled = self._converted(value, ScaledObject, f"scaledobject/{name}")
        if scaled is not None:
            target = scaled.spec.scale_target_ref
            self._scaled.setdefault((namespace, target.kind, target.name), []).append(scaled)

    def _take_vpa(self, namespace: str, name: str, value: Raw) -> None:
        vpa = self._converted(value, VerticalPodAutoscaler, f"verticalpodautoscaler/{name}")
        if vpa is None:
            return
        if vpa.spec.target_ref is None:
            self.problems.append(Problem(f"verticalpodautoscaler/{name}", "has no spec.targetRef: name its workload"))
        else:
            self._vpas.setdefault((namespace, vpa.spec.target_ref.kind, vpa.spec.target_ref.name), []).append(vpa)

    def _converted(self, value: Raw, kind: type[Model], name: str) -> Model | None:
        try:
            return msgspec.convert(value, kind)
        except msgspec.ValidationError as wrong:
            self.problems.append(Problem(name, f"{wrong}; `scaler validate` shows every problem with its line"))
            return None

    def played(self) -> list[Played]:
        """What can be played; the rest is in the problems."""
        aimed = dict.fromkeys([*self._hpas, *self._scaled, *self._vpas])
        if self._assumed.vpa or self._assumed.hpa:
            aimed |= dict.fromkeys(self._workloads)
        made = []
        for key in aimed:
            if key not in self._workloads:
                self.problems.append(_no_workload(key))
            elif (one := self._play(key, self._workloads[key])) is not None:
                made.append(one)
        if not made and not self.problems:
            self.problems.append(Problem("", "no workload with a ScaledObject, an HPA or a VPA is in these files"))
        return made

    def _play(self, key: Key, value: Raw) -> Played | None:
        notes: list[str] = []
        scaled, hpas, vpas = self._scaled.get(key, []), self._hpas.get(key, []), self._vpas.get(key, [])
        if len(scaled) + len(hpas) > 1 or len(vpas) > 1:
            words = "has several autoscalers for one axis; a cluster refuses them, and so does a backtest: give one"
            self.problems.append(Problem(_titled(key), words))
            return None
        subject = self._subject(scaled[0], key) if scaled else None
        if scaled and subject is None:
            return None
        workload = _workload(key, value, _bounds(hpas, scaled), notes)
        hpa, vpa = (hpas[0] if hpas else None), (vpas[0] if vpas else None)
        if vpa is None and self._assumed.vpa:
            vpa = _plain_vpa(key)
            notes.append("a VPA with updateMode Recreate and no bounds is added, because it was asked for")
        if hpa is None and subject is None and self._assumed.hpa:
            hpa = _plain_hpa(key, workload.replicas, self._assumed.hpa)
            notes.append(f"an HPA at {self._assumed.hpa} % of the cpu request is added, because it was asked for")
        return Played(key[1], workload, hpa, subject, vpa, tuple(notes))

    def _subject(self, scaled: ScaledObject, key: Key) -> Subject | None:
        formula = scaled.spec.advanced.scaling_modifiers.used
        plans = tuple(planned(index, one, as_metric_source=formula) for index, one in enumerate(scaled.spec.triggers))
        target = GroupVersionKindResource("apps", "v1", key[1], WORKLOADS[key[1]])
        subject = Subject(scaled, plans, target)
        wrong = [
            Problem(f"scaledobject/{scaled.metadata.name}", f"trigger {plan.index} ({plan.type}): {plan.problem}")
            for plan in plans
            if plan.problem
        ]
        wrong += metric_problems(subject)
        self.problems += wrong
        return None if wrong else subject


def _titled(key: Key) -> str:
    return f"{key[1].lower()}/{key[2]} in {key[0]}"


def _no_workload(key: Key) -> Problem:
    if key[1] not in WORKLOADS:
        return Problem(_titled(key), f"cannot be played: only {', '.join(WORKLOADS)} can")
    words = "is aimed at and is not in these files: give its manifest, too, for its requests and replicas are in it"
    return Problem(_titled(key), words)


def _bounds(hpas: Sequence[Raw], scaled: Sequence[ScaledObject]) -> tuple[int, int]:
    """The fewest and most replicas of whoever scales."""
    if scaled:
        return scaled[0].spec.minimum or 1, scaled[0].spec.maximum
    spec = hpas[0]["spec"] if hpas else {}
    return int(spec.get("minReplicas") or 1), int(spec.get("maxReplicas") or 2**31 - 1)


# -- workloads -------------------------------------------------------------------------------------------------


def _workload(key: Key, value: Raw, bounds: tuple[int, int], notes: list[str]) -> Workload:
    spec = value.get("spec") or {}
    replicas = spec.get("replicas")
    if replicas is None:
        replicas = bounds[0]
        notes.append(f"spec.replicas is not written: it begins, and stays as it is, with {replicas}")
    template = ((spec.get("template") or {}).get("spec") or {}).get("containers") or []
    requests = [_amounts(one, "requests") or _amounts(one, "limits") for one in template]
    whole = sum(one.get("cpu", 0) for one in requests)
    containers = tuple(
        Container(
            str(one.get("name", "")),
            asked,
            _amounts(one, "limits"),
            share=asked.get("cpu", 0) / whole if whole else 1.0 / len(template),
            memory=MemoryUse(base=KEPT * asked.get("memory", 0)),
        )
        for one, asked in zip(template, requests, strict=True)
    )
    bare = [one.name for one in containers if not one.requests]
    if bare:
        notes.append(f"no requests: {', '.join(bare)}; what a VPA does for them shows, what they cost now does not")
    if len(containers) > 1:
        notes.append("the load's cpu is spread over the containers as their requests are")
    return Workload(int(replicas), containers, key[2], key[0])


def _amounts(container: Raw, what: str) -> Amounts:
    written = (container.get("resources") or {}).get(what) or {}
    found: dict[Resource, int] = {}
    if "cpu" in written:
        found["cpu"] = milli_quantity(written["cpu"])
    if "memory" in written:
        found["memory"] = int(exact_quantity(written["memory"]))
    return found


# -- autoscalers -----------------------------------------------------------------------------------------------


def _as_v2(value: Raw) -> Raw:
    """autoscaling/v1 said one thing only; and without a metric upstream's default is 80 % of the cpu request."""
    spec = dict(value.get("spec") or {})
    percent = spec.pop("targetCPUUtilizationPercentage", None) or 80
    spec.setdefault("metrics", [_cpu_metric(percent)])
    return value | {"spec": spec}


def _cpu_metric(percent: int) -> Raw:
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


def _plain_hpa(key: Key, replicas: int, percent: int) -> Raw:
    spec = {"minReplicas": 1, "maxReplicas": max(10, 5 * replicas), "metrics": [_cpu_metric(percent)]}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": key[2], "namespace": key[0]},
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": key[1], "name": key[2]}, **spec},
    }


def _plain_vpa(key: Key) -> VerticalPodAutoscaler:
    target = TargetRef(kind=key[1], name=key[2], api_version="apps/v1")
    spec = VerticalPodAutoscalerSpec(target_ref=target, update_policy=UpdatePolicy(update_mode="Recreate"))
    about = {"name": key[2], "namespace": key[0]}
    whole = {"metadata": about, "spec": msgspec.to_builtins(spec)}
    return msgspec.convert(whole, VerticalPodAutoscaler)
