"""PodDisruptionBudgets: how many of the pods they guard are healthy, and how many may go.

Source: the disruption controller of Kubernetes 1.36.
"""

import math
from collections.abc import Callable, Iterable

from scaler.clock import from_rfc3339
from scaler.sim.apiserver import selectors
from scaler.sim.apiserver.registry import Registry
from scaler.sim.apiserver.resources import at
from scaler.sim.apiserver.store import DELETED, Event, Key, Object, Table
from scaler.sim.autoscaling.judgement import Told
from scaler.sim.controllers import owned
from scaler.sim.controllers.tidings import Tidings

FORGOTTEN = 120.0
"""Seconds after which a pod that was to be evicted and is still there counts again."""
SCALED = ("ReplicationController", "ReplicaSet", "Deployment", "StatefulSet")


class Disruptions:
    """Reconciles PodDisruptionBudgets."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.budgets = registry.kind("poddisruptionbudgets", "policy")
        self.pods = registry.kind("pods")
        self.tidings = Tidings(registry, "controllermanager")

    def keys(self, table: Table, event: Event) -> Iterable[Key]:
        if table.name == "poddisruptionbudgets.policy":
            if event.type != DELETED:
                yield event.key
        elif table.name in {"pods", "replicasets.apps", "deployments.apps", "statefulsets.apps"}:
            # Whose pods these are is asked when the budget is looked at; budgets are few.
            yield from (
                key
                for key in self.registry.store.table(self.budgets.resource.table).objects
                if key[0] == event.key[0]
            )

    async def reconcile(self, key: Key) -> float | None:
        """Write the status; seconds until a pod that was to go, and stayed, counts again."""
        budget, now = self.registry.get(self.budgets, key).object, self.registry.clock.now()
        pods = self._guarded(budget)
        if not pods:
            await self.tidings.tell(self.budgets, budget, Told("Normal", "NoPods", "No matching pods found"))
        disrupted = _disrupted(budget, pods, now)
        status = self._status(budget, pods, disrupted)
        known = {name: value for name, value in (budget.get("status") or {}).items() if name != "conditions"}
        if status != known:
            await self.registry.update(self.budgets, key, _judged(status, now), subresource="status")
        ends = [from_rfc3339(since) + FORGOTTEN - now for since in disrupted.values()]
        return max(min(ends), 0.0) if ends else None

    def _guarded(self, budget: Object) -> list[Object]:
        if "selector" not in budget["spec"]:
            return []
        matches = selectors.from_object(budget["spec"]["selector"])
        stored = self.registry.list(self.pods, budget["metadata"]["namespace"])
        return [one.object for one in stored if matches(one.object["metadata"].get("labels") or {})]

    def _status(self, budget: Object, pods: list[Object], disrupted: dict[str, str]) -> Object:
        expected, desired = self._wanted(budget["spec"], pods)
        healthy = sum(_is_healthy(pod) and pod["metadata"]["name"] not in disrupted for pod in pods)
        allowed = healthy - desired if expected > 0 else 0
        return {
            "observedGeneration": budget["metadata"]["generation"],
            **({"disruptedPods": disrupted} if disrupted else {}),
            "disruptionsAllowed": max(allowed, 0),
            "currentHealthy": healthy,
            "desiredHealthy": desired,
            "expectedPods": expected,
        }

    def _wanted(self, spec: Object, pods: list[Object]) -> tuple[int, int]:
        """How many pods there should be, and how many of them must be healthy."""
        least, most = spec.get("minAvailable"), spec.get("maxUnavailable")
        if most is not None:
            expected = self._expected(pods)
            return expected, max(expected - _share(most, expected), 0)
        if isinstance(least, int):
            return len(pods), least
        if least is not None:
            expected = self._expected(pods)
            return expected, _share(least, expected)
        return 0, 0

    def _expected(self, pods: list[Object]) -> int:
        """The replicas of every controller that has pods among these; pods of nobody do not count."""
        controllers = {uid: replicas for pod in pods for uid, replicas in self._scale_of(pod)}
        return sum(controllers.values())

    def _scale_of(self, obj: Object) -> Iterable[tuple[str, int]]:
        """The uid and the replicas of what controls an object: of a Deployment rather than of its ReplicaSet."""
        owner = owned.controller_of(obj)
        if owner is None or owner["kind"] not in SCALED:
            return
        served = self.registry.of_kind(owner["apiVersion"], owner["kind"])
        stored = self.registry.peek(served, (obj["metadata"]["namespace"], owner["name"])) if served else None
        if stored is None:
            return
        above = list(self._scale_of(stored.object)) if owner["kind"] == "ReplicaSet" else []
        yield from above or [(owner["uid"], stored.object["spec"].get("replicas", 1))]


def _disrupted(budget: Object, pods: list[Object], now: float) -> dict[str, str]:
    """Those that an eviction has taken off already and that are still about to end."""
    known = at(budget, "status.disruptedPods") or {}
    here = {pod["metadata"]["name"] for pod in pods if not pod["metadata"].get("deletionTimestamp")}
    return {name: since for name, since in known.items() if name in here and from_rfc3339(since) + FORGOTTEN > now}


def _is_healthy(pod: Object) -> bool:
    return owned.is_ready(pod) and not pod["metadata"].get("deletionTimestamp")


def _share(amount: int | str, of: int) -> int:
    if isinstance(amount, int):
        return amount
    return math.ceil(int(amount.removesuffix("%")) * of / 100)


def _judged(status: Object, now: float) -> Callable[[Object], Object]:
    def change(budget: Object) -> Object:
        enough = status["disruptionsAllowed"] > 0
        said = {"status": "True" if enough else "False", "reason": "SufficientPods" if enough else "InsufficientPods"}
        known = at(budget, "status.conditions") or ()
        condition = {
            "type": "DisruptionAllowed",
            **said,
            "observedGeneration": status["observedGeneration"],
            "message": "",
        }
        return {**budget, "status": {**status, "conditions": owned.conditions(known, [condition], now)}}

    return change
