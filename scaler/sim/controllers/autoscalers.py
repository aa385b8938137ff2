"""HorizontalPodAutoscalers: sees, lets `scaler.sim.autoscaling` judge, and carries out what it says."""

from collections.abc import Iterable, Sequence
from typing import Any

from scaler.clock import from_rfc3339, to_rfc3339
from scaler.quantity import milli_quantity
from scaler.sim.apiserver import scales, selectors
from scaler.sim.apiserver.refusals import Refusal
from scaler.sim.apiserver.registry import Served
from scaler.sim.apiserver.resources import at
from scaler.sim.apiserver.server import ApiServer
from scaler.sim.apiserver.store import DELETED, Event, Key, Object, Table
from scaler.sim.autoscaling import judgement
from scaler.sim.autoscaling.calculations import Container, Pod
from scaler.sim.autoscaling.judgement import Condition, Observation, Scale, Settings, Told, Verdict
from scaler.sim.autoscaling.limits import Memory
from scaler.sim.controllers import owned
from scaler.sim.controllers.readings import Readings
from scaler.sim.controllers.tidings import Tidings

NAME = "horizontalpodautoscalers.autoscaling"


class Autoscalers:
    """Reconciles HorizontalPodAutoscalers, each once in `sync` seconds."""

    def __init__(self, server: ApiServer, sync: float, settings: Settings) -> None:
        self.registry = server.registry
        self.sync = sync
        self.settings = settings
        self.readings = Readings(server)
        self.tidings = Tidings(self.registry, "horizontal-pod-autoscaler")
        self.autoscalers = self.registry.kind("horizontalpodautoscalers", "autoscaling")
        self.pods = self.registry.kind("pods")
        self._memories: dict[Key, Memory] = {}
        self._selectors: dict[Key, str] = {}

    def keys(self, table: Table, event: Event) -> Iterable[Key]:
        if table.name != NAME:
            return
        if event.type == DELETED:
            self._memories.pop(event.key, None)
            self._selectors.pop(event.key, None)
        else:
            yield event.key

    async def reconcile(self, key: Key) -> float | None:
        hpa = self.registry.get(self.autoscalers, key).object
        try:
            target = self._target(hpa)
            scale = _scale(scales.read(self.registry, target, (key[0], hpa["spec"]["scaleTargetRef"]["name"])))
        except Refusal as refusal:
            await self._no_scale(hpa, str(refusal))
            return self.sync
        await self._decide(key, hpa, target, scale)
        return self.sync

    def _target(self, hpa: Object) -> Served:
        """What is scaled; raises a refusal that says what is wrong with its name."""
        reference = hpa["spec"]["scaleTargetRef"]
        version = reference.get("apiVersion", "")
        group = version.rpartition("/")[0]
        for served in self.registry.served.values():
            if served.resource.kind == reference["kind"] and served.group == group:
                return served
        raise Refusal(404, "NotFound", f'no matches for kind "{reference["kind"]}" in group "{group}"')

    async def _decide(self, key: Key, hpa: Object, target: Served, scale: Scale) -> None:
        seen = Observation(scale)
        if judgement.needs_metrics(hpa["spec"], scale):
            seen = await self._observe(key, hpa, scale)
        now = self.registry.clock.now()
        verdict = judgement.judge(hpa, seen, self._memories.get(key, Memory()), now, self.settings)
        refusal = await self._rescale(hpa, target, verdict)
        if refusal is None:
            self._memories[key] = verdict.memory
        await self._write(hpa, _status(hpa, scale, verdict, refusal, now))
        for told in verdict.events if refusal is None else (*verdict.events[:-1], _failed(verdict, refusal)):
            await self.tidings.tell(self.autoscalers, hpa, told)

    async def _observe(self, key: Key, hpa: Object, scale: Scale) -> Observation:
        self._selectors[key] = scale.selector
        readings = [await self.readings.of(metric, key[0], scale.selector) for metric in hpa["spec"]["metrics"]]
        pods = self._pods(key[0], scale.selector)
        return Observation(scale, [_pod(pod) for pod in pods], readings, self._rivals(key[0], pods))

    def _pods(self, namespace: str, selector: str) -> list[Object]:
        matches = selectors.label_selector(selector) if selector else None
        if matches is None:
            return []
        stored = (one.object for one in self.registry.list(self.pods, namespace))
        return [pod for pod in stored if matches(pod["metadata"].get("labels") or {})]

    def _rivals(self, namespace: str, pods: Sequence[Object]) -> list[Key]:
        """Every autoscaler whose selector takes some of these pods."""
        labels = [pod["metadata"].get("labels") or {} for pod in pods]
        found = []
        for key, text in self._selectors.items():
            matches = selectors.label_selector(text) if key[0] == namespace else None
            if matches is not None and any(map(matches, labels)):
                found.append(key)
        return found

    async def _rescale(self, hpa: Object, target: Served, verdict: Verdict) -> Refusal | None:
        if verdict.replicas is None:
            return None
        key = (hpa["metadata"]["namespace"], hpa["spec"]["scaleTargetRef"]["name"])
        spec = {"replicas": verdict.replicas}
        try:
            await scales.write(self.registry, target, key, lambda scale: {**scale, "spec": spec})
        except Refusal as refusal:
            return refusal
        return None

    async def _no_scale(self, hpa: Object, why: str) -> None:
        said = f"the HPA controller was unable to get the target's current scale: {why}"
        status = hpa.get("status") or {}
        conditions = self._conditions(status, [Condition("AbleToScale", "False", "FailedGetScale", said)])
        await self._write(hpa, {**status, "conditions": conditions})
        await self.tidings.tell(self.autoscalers, hpa, Told("Warning", "FailedGetScale", why))

    def _conditions(self, status: Object, new: Sequence[Condition]) -> list[Object]:
        return _conditions(status, new, self.registry.clock.now())

    async def _write(self, hpa: Object, status: Object) -> None:
        if status != hpa.get("status"):
            key = owned.key_of(hpa)
            await self.registry.update(self.autoscalers, key, owned.with_status(status), subresource="status")


def _scale(scale: Object) -> Scale:
    status = scale["status"]
    return Scale(scale["spec"].get("replicas", 0), status["replicas"], status.get("selector", ""))


def _status(hpa: Object, scale: Scale, verdict: Verdict, refusal: Refusal | None, now: float) -> Object:
    old = hpa.get("status") or {}
    conditions = list(verdict.conditions)
    desired = verdict.desired if refusal is None else None
    if refusal is not None:
        said = f"the HPA controller was unable to update the target scale: {refusal}"
        failed = Condition("AbleToScale", "False", "FailedUpdateScale", said)
        conditions = [failed if one.type == "AbleToScale" else one for one in conditions]
    moved = verdict.replicas is not None and refusal is None
    last = to_rfc3339(now) if moved else old.get("lastScaleTime")
    return {
        **({"lastScaleTime": last} if last else {}),
        **({"currentReplicas": scale.replicas} if scale.replicas else {}),
        "desiredReplicas": old.get("desiredReplicas", 0) if desired is None else desired,
        "currentMetrics": None if verdict.metrics is None else list(verdict.metrics),
        "conditions": _conditions(old, conditions, now),
    }


def _conditions(status: Object, new: Sequence[Condition], now: float) -> list[Object]:
    parts = [{"type": one.type, "status": one.status, "reason": one.reason, "message": one.message} for one in new]
    return owned.conditions(status.get("conditions") or (), parts, now)


def _failed(verdict: Verdict, refusal: Refusal) -> Told:
    said = f"New size: {verdict.replicas}; reason: {verdict.reason}; error: {refusal}"
    return Told("Warning", "FailedRescale", said)


def _pod(pod: Object) -> Pod:
    status: Any = pod.get("status") or {}
    ready = owned.condition(pod, "Ready")
    started = status.get("startTime")
    beside = [part for part in pod["spec"].get("initContainers") or () if part.get("restartPolicy") == "Always"]
    return Pod(
        name=pod["metadata"]["name"],
        phase=status.get("phase", ""),
        deleted=bool(pod["metadata"].get("deletionTimestamp")),
        started=from_rfc3339(started) if started else None,
        ready=None if ready is None else ready["status"] == "True",
        ready_since=from_rfc3339(ready["lastTransitionTime"]) if ready else 0.0,
        containers=[_container(part) for part in (*pod["spec"]["containers"], *beside)],
    )


def _container(part: Object) -> Container:
    requests = at(part, "resources.requests") or {}
    return Container(part["name"], {name: milli_quantity(amount) for name, amount in requests.items()})
