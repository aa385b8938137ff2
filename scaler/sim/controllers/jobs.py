"""Jobs: pods until enough of them have succeeded, or too many have failed. No indexes, no failure policies."""

from collections.abc import Iterable

from scaler.clock import from_rfc3339, to_rfc3339
from scaler.sim.apiserver import deletion
from scaler.sim.apiserver.deletion import DeleteOptions
from scaler.sim.apiserver.registry import Registry
from scaler.sim.apiserver.resources import at
from scaler.sim.apiserver.store import Event, Key, Object, Table
from scaler.sim.controllers import owned
from scaler.sim.controllers.owned import Owned


class Jobs:
    """Reconciles Jobs."""

    def __init__(self, registry: Registry, pods: Owned) -> None:
        self.registry = registry
        self.owned = pods
        self.jobs = registry.kind("jobs", "batch")
        self.pods = registry.kind("pods")

    def keys(self, table: Table, event: Event) -> Iterable[Key]:
        if table.name == "jobs.batch":
            yield event.key
        elif table.name == "pods":
            yield from owned.owner_keys(event, "Job")

    async def reconcile(self, key: Key) -> float | None:
        job = self.registry.get(self.jobs, key).object
        if job["metadata"].get("deletionTimestamp"):
            return None
        if not is_finished(job):
            await self._work(job)
            await self._write_status(key)
            job = self.registry.get(self.jobs, key).object
        return await self._clean_up(job)

    async def _work(self, job: Object) -> None:
        spec, pods = job["spec"], self.owned.of(job)
        active = [pod for pod in pods if owned.is_active(pod)]
        succeeded = _count(pods, "Succeeded")
        wanted = spec.get("parallelism", 1)
        if "completions" in spec:
            wanted = min(wanted, spec["completions"] - succeeded)
        elif succeeded:
            wanted = len(active)
        if spec.get("suspend") or _count(pods, "Failed") > spec.get("backoffLimit", 6):
            wanted = 0
        for _ in range(wanted - len(active)):
            await self.registry.create(self.pods, job["metadata"]["namespace"], self._pod(job))
        for pod in active[max(wanted, 0) :]:
            await deletion.delete(self.registry, self.pods, owned.key_of(pod), DeleteOptions())

    def _pod(self, job: Object) -> Object:
        template = job["spec"]["template"]
        about = template.get("metadata") or {}
        return {
            "metadata": {
                "generateName": f"{job['metadata']['name']}-",
                **{name: about[name] for name in ("labels", "annotations") if name in about},
                "ownerReferences": [owned.reference(self.jobs, job)],
            },
            "spec": template["spec"],
        }

    async def _write_status(self, key: Key) -> None:
        job = self.registry.get(self.jobs, key).object
        pods, now = self.owned.of(job), self.registry.clock.now()
        active = [pod for pod in pods if owned.is_active(pod)]
        counts = {
            "active": len(active),
            "succeeded": _count(pods, "Succeeded"),
            "failed": _count(pods, "Failed"),
        }
        status: Object = {
            **{name: count for name, count in counts.items() if count},
            "ready": sum(map(owned.is_ready, active)),
            "terminating": sum(bool(pod["metadata"].get("deletionTimestamp")) for pod in pods),
            "startTime": at(job, "status.startTime") or to_rfc3339(now),
        }
        status |= _outcome(job["spec"], counts, now)
        if status != job.get("status"):
            await self.registry.update(self.jobs, key, owned.with_status(status), subresource="status")

    async def _clean_up(self, job: Object) -> float | None:
        """A finished Job goes after its time to live."""
        life = job["spec"].get("ttlSecondsAfterFinished")
        finished = owned.condition(job, "Complete") or owned.condition(job, "Failed")
        if life is None or finished is None:
            return None
        left = from_rfc3339(finished["lastTransitionTime"]) + float(life) - self.registry.clock.now()
        if left > 0:
            return left
        options = DeleteOptions(propagation_policy="Background")
        await deletion.delete(self.registry, self.jobs, owned.key_of(job), options)
        return None


def is_finished(job: Object) -> bool:
    return any(
        part["type"] in {"Complete", "Failed"} and part["status"] == "True"
        for part in at(job, "status.conditions") or ()
    )


def _count(pods: list[Object], phase: str) -> int:
    return sum(owned.phase(pod) == phase for pod in pods)


def _outcome(spec: Object, counts: dict[str, int], now: float) -> Object:
    """The conditions of a Job that has ended, and when it was complete."""
    if counts["active"]:
        return {}
    wanted, succeeded = spec.get("completions"), counts["succeeded"]
    if succeeded and (wanted is None or succeeded >= wanted):
        said = "Reached expected number of succeeded pods"
        ended = [("SuccessCriteriaMet", "CompletionsReached", said), ("Complete", "CompletionsReached", said)]
        return {"conditions": _conditions(ended, now), "completionTime": to_rfc3339(now)}
    if counts["failed"] > spec.get("backoffLimit", 6):
        said = "Job has reached the specified backoff limit"
        ended = [("FailureTarget", "BackoffLimitExceeded", said), ("Failed", "BackoffLimitExceeded", said)]
        return {"conditions": _conditions(ended, now)}
    return {}


def _conditions(ended: list[tuple[str, str, str]], now: float) -> list[Object]:
    new = [{"type": kind, "status": "True", "reason": reason, "message": said} for kind, reason, said in ended]
    return [{**part, "lastProbeTime": to_rfc3339(now)} for part in owned.conditions((), new, now)]
