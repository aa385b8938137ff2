"""The eviction subresource: a pod is deleted when the budget that guards it allows it.

The disruption controller says in a budget's status how many pods may go; each eviction takes one off there at once,
so that two at the same time cannot both have the last.
Source: the eviction rules of Kubernetes 1.36 and a kube-apiserver's words.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from scaler.clock import to_rfc3339
from scaler.sim.apiserver import deletion, refusals, requests, selectors
from scaler.sim.apiserver.deletion import DeleteOptions
from scaler.sim.apiserver.registry import Options, Registry, Review
from scaler.sim.apiserver.resources import at
from scaler.sim.apiserver.store import Key, Object

BUDGETS = "poddisruptionbudgets"
LOOK_AGAIN = 10
"""Seconds after which an eviction is tried again that came before the budget was looked at."""
SEVERAL = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
SPENT = "Cannot evict pod as it would violate the pod's disruption budget."
ON_ITS_OWN = Options(unreviewed=True)
DONE: Object = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


async def evict(registry: Registry, key: Key, content: Any, query: Mapping[str, str]) -> Object:
    """Carry out an Eviction; 429 when a budget forbids it. Gives the Status of success."""
    asked = _asked(key, content)
    options = _options(asked, query)
    pods = registry.kind("pods")
    registry.get(pods, key)
    review = Review("CREATE", pods, key, "eviction", asked, None, Options(dry_run=bool(options.dry_run)))
    await registry.reviewed(review)
    pod = registry.get(pods, key).object
    if not _goes_unguarded(pod):
        guards = _guards(registry, pod)
        if len(guards) > 1:
            raise refusals.Refusal(500, "", SEVERAL)
        for budget in guards:
            await _spend(registry, budget, pod, dry_run=bool(options.dry_run))
    if not options.dry_run:
        now = registry.clock.now()
        await registry.update(pods, key, lambda old: _marked(old, now), ON_ITS_OWN, "status")
    await deletion.delete(registry, pods, key, options, reviewed=False)
    return DONE


def _asked(key: Key, content: Any) -> Object:
    if not isinstance(content, dict):
        raise refusals.bad_request("the object provided is no Eviction")
    kind, version = content.get("kind", "Eviction"), content.get("apiVersion", "policy/v1")
    if (kind, version.partition("/")[0]) != ("Eviction", "policy"):
        said = f"converting ({version}.{kind}) to (policy.Eviction): unknown conversion"
        raise refusals.bad_request(f'{kind} in version "v1" cannot be handled as a Eviction: {said}')
    if (content.get("metadata") or {}).get("name") != key[1]:
        raise refusals.bad_request("name in URL does not match name in Eviction object")
    return {"kind": "Eviction", "apiVersion": "policy/v1", **content}


def _options(asked: Object, query: Mapping[str, str]) -> DeleteOptions:
    dry = {"dryRun": [query["dryRun"]]} if query.get("dryRun") else {}
    return requests.delete_options({}, msgspec.json.encode({**(asked.get("deleteOptions") or {}), **dry}))


def _goes_unguarded(pod: Object) -> bool:
    """Whether nobody loses anything by this pod's end: it has ended, is ending, or has not begun."""
    ended = at(pod, "status.phase") in {"Succeeded", "Failed", "Pending"}
    return ended or bool(pod["metadata"].get("deletionTimestamp"))


def _guards(registry: Registry, pod: Object) -> list[Object]:
    meta = pod["metadata"]
    budgets = (one.object for one in registry.list(registry.kind(BUDGETS, "policy"), meta["namespace"]))
    labels = meta.get("labels") or {}
    return [
        one for one in budgets if "selector" in one["spec"] and selectors.from_object(one["spec"]["selector"])(labels)
    ]


async def _spend(registry: Registry, budget: Object, pod: Object, *, dry_run: bool) -> None:
    """Take one disruption off the budget, unless the pod counts for nothing in it."""
    status, name = budget.get("status") or {}, budget["metadata"]["name"]
    if not _is_ready(pod) and _spares_nobody(budget):
        return
    if (status.get("observedGeneration") or 0) < budget["metadata"]["generation"]:
        said = f"The disruption budget {name} is still being processed by the server."
        raise _refused(said, seconds=LOOK_AGAIN)
    if status.get("disruptionsAllowed", 0) < 1:
        needs, has = status.get("desiredHealthy", 0), status.get("currentHealthy", 0)
        raise _refused(f"The disruption budget {name} needs {needs} healthy pods and has {has} currently")
    if not dry_run:
        served, key = registry.kind(BUDGETS, "policy"), (budget["metadata"]["namespace"], name)
        now = registry.clock.now()
        await registry.update(served, key, lambda old: _spent(old, pod, now), ON_ITS_OWN, "status")


def _is_ready(pod: Object) -> bool:
    conditions = at(pod, "status.conditions") or ()
    return any(part["type"] == "Ready" and part["status"] == "True" for part in conditions)


def _spares_nobody(budget: Object) -> bool:
    """Whether a pod that is not ready may go whatever the budget says: always, or while enough others are."""
    if budget["spec"].get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    status = budget.get("status") or {}
    healthy, desired = int(status.get("currentHealthy", 0)), int(status.get("desiredHealthy", 0))
    return healthy >= desired > 0


def _spent(budget: Object, pod: Object, now: float) -> Object:
    status, stamp = budget["status"], to_rfc3339(now)
    left = status["disruptionsAllowed"] - 1
    none = {"status": "False", "reason": "InsufficientPods", "lastTransitionTime": stamp}
    conditions = [{**part, **none} if left == 0 else part for part in status.get("conditions") or ()]
    disrupted = {**(status.get("disruptedPods") or {}), pod["metadata"]["name"]: stamp}
    return {
        **budget,
        "status": {**status, "disruptionsAllowed": left, "conditions": conditions, "disruptedPods": disrupted},
    }


def _marked(pod: Object, now: float) -> Object:
    """The pod with the condition that says why it ends."""
    status = pod.get("status") or {}
    rest = [part for part in status.get("conditions") or () if part["type"] != "DisruptionTarget"]
    why = {
        "reason": "EvictionByEvictionAPI",
        "message": "Eviction API: evicting",
        "lastTransitionTime": to_rfc3339(now),
    }
    return {**pod, "status": {**status, "conditions": [*rest, {"type": "DisruptionTarget", "status": "True", **why}]}}


def _refused(why: str, seconds: int = 0) -> refusals.Refusal:
    details: Object = {"causes": [{"reason": "DisruptionBudget", "message": why}]}
    return refusals.Refusal(
        429, "TooManyRequests", SPENT, {**details, **({"retryAfterSeconds": seconds} if seconds else {})}
    )
