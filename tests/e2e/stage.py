"""Where one scenario plays: a namespace of its own, its workloads and sources, and what it sees of them."""

import contextlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import msgspec

from tests.controlplane.api import Api, Object, Refused
from tests.e2e.installation import OPERATOR, Installation
from tests.e2e.source import Knob, Source
from tests.e2e.watching import Seen, Watcher
from tests.servers.aws import Aws

DEPLOYMENTS = "/apis/apps/v1/deployments"
SCALED_OBJECTS = "/apis/keda.sh/v1alpha1/scaledobjects"
HPAS = "/apis/autoscaling/v2/horizontalpodautoscalers"
EVENTS = "/api/v1/events"
WRITING = frozenset({"create", "update", "patch", "delete", "deletecollection"})
WATCHED = (DEPLOYMENTS, SCALED_OBJECTS, HPAS, EVENTS)


PATIENCE = 60.0
"""Seconds for what should take few: a hundred scenarios share two cores."""


class Cancelled(Exception):
    """The scenario was given up because the run ends."""


class Theatre(msgspec.Struct):
    """What all scenarios of a module share."""

    installation: Installation
    watcher: Watcher
    source: Source
    aws: Aws
    over: threading.Event = msgspec.field(default_factory=threading.Event)


class Stage:
    """One scenario's; a context manager that takes its ScaledObjects away at the end."""

    def __init__(self, theatre: Theatre, prefix: str = "play") -> None:
        self.installation = theatre.installation
        self.plane = theatre.installation.plane
        self.api = self.plane.api
        self.aws = theatre.aws
        self._theatre = theatre
        self._watcher = theatre.watcher
        self.namespace = new_namespace(self.api, prefix)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if error is not None:
            error.add_note(self.scene())
        for made in self.api.get(self.within(SCALED_OBJECTS))["items"]:
            self.api.delete(f"{self.within(SCALED_OBJECTS)}/{made['metadata']['name']}")
        self.api.delete(f"/api/v1/namespaces/{self.namespace}")

    # -- arranging -----------------------------------------------------------------------------------------------

    def within(self, path: str) -> str:
        """The path of a resource in this namespace."""
        root, _, plural = path.rpartition("/")
        return f"{root}/namespaces/{self.namespace}/{plural}"

    def apply(self, manifest: Any) -> list[Object]:
        """Server-side apply into this namespace."""
        return self.plane.apply(manifest, self.namespace)

    def source(self, name: str = "load", value: float | None = 0) -> Knob:
        """A key of the HTTP source that is this scenario's alone."""
        knob = self._theatre.source.key(f"{self.namespace}/{name}")
        if value is not None:
            knob.says(value)
        return knob

    def deployment(self, name: str = "web", replicas: int = 0, containers: Sequence[Object] = ()) -> str:
        """A Deployment, and its name."""
        labels = {"app": name}
        container = {"name": "main", "image": "none", "resources": {"requests": {"cpu": "10m", "memory": "10Mi"}}}
        self.api.create(
            self.within(DEPLOYMENTS),
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": name},
                "spec": {
                    "replicas": replicas,
                    "selector": {"matchLabels": labels},
                    "template": {"metadata": {"labels": labels}, "spec": {"containers": containers or [container]}},
                },
            },
        )
        return name

    def scale(self, name: str, replicas: int) -> None:
        """As `kubectl scale deployment` does."""
        self.api.patch(f"{self.within(DEPLOYMENTS)}/{name}/scale", {"spec": {"replicas": replicas}})

    def scaled_object(
        self,
        *triggers: Object,
        name: str = "web",
        target: str | Object = "",
        annotations: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        **spec: Any,
    ) -> str:
        """A ScaledObject over the Deployment of its own name unless `target` says otherwise; its name."""
        about = {"name": name, "annotations": dict(annotations or {}), "labels": dict(labels or {})}
        reference = target if isinstance(target, dict) else {"name": target or name}
        self.api.create(
            self.within(SCALED_OBJECTS),
            {
                "apiVersion": "keda.sh/v1alpha1",
                "kind": "ScaledObject",
                "metadata": about,
                "spec": {"scaleTargetRef": reference, "triggers": list(triggers), **spec},
            },
        )
        return name

    def refused(self, scaled_object: Object) -> str:
        """Create it; the API server's words when it takes it for invalid, else nothing."""
        try:
            self.api.create(self.within(SCALED_OBJECTS), scaled_object)
        except Refused as refusal:
            if refusal.status != 422:
                raise
            return refusal.message
        return ""

    def change(self, name: str = "web", **spec: Any) -> None:
        """A merge patch of the spec."""
        self.api.patch(f"{self.within(SCALED_OBJECTS)}/{name}", {"spec": spec})

    def annotate(self, name: str = "web", **annotations: str | None) -> None:
        """KEDA's annotations by their last words: paused_replicas="3"; None takes one away."""
        keyed = {f"autoscaling.keda.sh/{key.replace('_', '-')}": value for key, value in annotations.items()}
        self.api.patch(f"{self.within(SCALED_OBJECTS)}/{name}", {"metadata": {"annotations": keyed}})

    def delete(self, name: str = "web") -> None:
        """Delete the ScaledObject and wait until it is gone, finalizer and all."""
        self.api.delete(f"{self.within(SCALED_OBJECTS)}/{name}")
        self.until(lambda: self.scaled(name) is None, f"{name} to be gone", 20)

    # -- seeing --------------------------------------------------------------------------------------------------

    def scaled(self, name: str = "web") -> Object | None:
        return self._watcher.latest(SCALED_OBJECTS, self.namespace, name)

    def hpa(self, name: str = "keda-hpa-web") -> Object | None:
        return self._watcher.latest(HPAS, self.namespace, name)

    def replicas(self, name: str = "web") -> int | None:
        """spec.replicas of the Deployment."""
        found = self._watcher.latest(DEPLOYMENTS, self.namespace, name)
        return None if found is None else int(found["spec"]["replicas"])

    def condition(self, kind: str, name: str = "web") -> tuple[str, str]:
        """Status and reason; two empty texts when it is not there."""
        found = condition(self.scaled(name), kind)
        return (str(found.get("status", "")), str(found.get("reason", "")))

    def message(self, kind: str, name: str = "web") -> str:
        """The condition's message."""
        return str(condition(self.scaled(name), kind).get("message", ""))

    def status(self, name: str = "web") -> Object:
        return (self.scaled(name) or {}).get("status") or {}

    def events(self, name: str = "web", kind: str = "ScaledObject") -> list[Object]:
        """The events about one object, oldest first."""
        told = self._watcher.all(EVENTS, self.namespace)
        return [one for one in told if (one["involvedObject"]["kind"], one["involvedObject"]["name"]) == (kind, name)]

    def reasons(self, name: str = "web") -> list[str]:
        """The reasons of the events about a ScaledObject, oldest first."""
        return [str(one["reason"]) for one in self.events(name)]

    def history(self, path: str, name: str, since: float = 0.0) -> list[Seen]:
        return self._watcher.history(path, self.namespace, name, since)

    def our_writes(self) -> list[Object]:
        """What the operator wrote into this namespace, as the audit log has it."""
        asked = self.plane.writes(objectRef__namespace=self.namespace, user__username=OPERATOR)
        return [one for one in asked if one["verb"] in WRITING]

    def replica_history(self, name: str = "web", since: float = 0.0) -> list[int]:
        """Every count that the Deployment was asked for since then, the one that stood at that time first."""
        seen = self.history(DEPLOYMENTS, name, since)
        counts = [int(one.object["spec"]["replicas"]) for one in seen if one.object is not None]
        return [count for at, count in enumerate(counts) if at == 0 or count != counts[at - 1]]

    def scaler(self, *arguments: str) -> str:
        """What `scaler ARGUMENTS` prints about this namespace."""
        done = self.installation.scaler(*arguments, "-n", self.namespace)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def course(self, name: str = "web") -> str:
        """When the Deployment was asked for how many replicas, by whom if that is recorded."""
        told, before = [], None
        for at, one in self.history(DEPLOYMENTS, name):
            count = None if one is None else one["spec"]["replicas"]
            if count != before:
                told.append(f"{time.strftime('%H:%M:%S', time.gmtime(at))}.{int(at * 1000) % 1000:03} {count}")
            before = count
        return ", ".join(told)

    # -- waiting -------------------------------------------------------------------------------------------------

    def until(self, holds: Callable[[], object], what: str, timeout: float = PATIENCE) -> None:
        """TimeoutError, naming `what`, when it does not come to hold."""

        def checked() -> bool:
            if self._theatre.over.is_set():
                raise Cancelled(what)
            return bool(holds())

        self._watcher.until(checked, what, timeout)

    def until_replicas(self, wanted: int, name: str = "web", timeout: float = PATIENCE) -> None:
        try:
            self.until(lambda: self.replicas(name) == wanted, f"{wanted} replicas of {name}", timeout)
        except TimeoutError as late:
            late.add_note(f"it went {self.course(name)}")
            raise

    def until_settled(self, wanted: int, name: str = "web", seconds: float = 4.0) -> None:
        """So many replicas, and no other number for that long.

        The HPA controller repeats a refused write with the figure it had: it may undo a step to zero that was taken
        while it computed, until the next check takes it again.
        """

        def settled() -> bool:
            return self.replicas(name) == wanted and self.replica_history(name, time.time() - seconds) == [wanted]

        self.until(settled, f"{wanted} replicas of {name} for {seconds:g} s")

    def until_pods(self, ready: int, name: str = "web", timeout: float = PATIENCE) -> None:
        """Until so many pods of the Deployment are ready."""

        def count() -> int:
            found = self._watcher.latest(DEPLOYMENTS, self.namespace, name) or {}
            return int(found.get("status", {}).get("readyReplicas", 0))

        self.until(lambda: count() == ready, f"{ready} ready pods of {name}", timeout)

    def until_condition(
        self, kind: str, status: str, reason: str, name: str = "web", timeout: float = PATIENCE
    ) -> None:
        try:
            self.until(lambda: self.condition(kind, name) == (status, reason), f"{kind}={status}/{reason}", timeout)
        except TimeoutError as late:
            late.add_note(f"it is {self.condition(kind, name)}: {self.message(kind, name)}")
            raise

    def until_ready(self, name: str = "web", timeout: float = PATIENCE) -> None:
        self.until_condition("Ready", "True", "ScaledObjectReady", name, timeout)

    def until_event(self, reason: str, name: str = "web", timeout: float = PATIENCE) -> Object:
        """The first event with this reason, once there is one."""

        def found() -> list[Object]:
            return [one for one in self.events(name) if one["reason"] == reason]

        self.until(found, f"an event {reason} about {name}", timeout)
        return found()[0]

    def stays(self, replicas: int, seconds: float, name: str = "web") -> None:
        """The Deployment has that many replicas now, and at no time in the coming seconds another number."""
        begin = time.time()
        self.wait(seconds)
        assert self.replica_history(name, begin) == [replicas], self.course(name)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        if self._theatre.over.wait(seconds):
            raise Cancelled(f"a wait of {seconds:g} s")

    # -- when it goes wrong --------------------------------------------------------------------------------------

    def scene(self) -> str:
        """All that there is to see, for whoever reads of a failure."""
        lines = [f"namespace {self.namespace}"]
        for path in (SCALED_OBJECTS, HPAS, DEPLOYMENTS):
            for one in self._watcher.all(path, self.namespace):
                status = msgspec.json.encode(one.get("status")).decode()
                replicas = one["spec"].get("replicas", "")
                lines.append(f"{one['kind']} {one['metadata']['name']} {replicas} {status}")
        for one in self._watcher.all(EVENTS, self.namespace):
            if one["involvedObject"]["kind"] in {"ScaledObject", "HorizontalPodAutoscaler"}:
                about = f"{one['involvedObject']['kind']}/{one['involvedObject']['name']}"
                lines.append(
                    f"{one['lastTimestamp']} {one['type']} {one['reason']} {about}: {one['message']} ({one.get('count')})"
                )
        for program in self.installation.programs:
            said = program.said(self.namespace)[-25:]
            lines += [f"{program.name}: {msgspec.json.encode(line).decode()}" for line in said]
        return "\n".join(lines)


def new_namespace(api: Api, prefix: str) -> str:
    """Ready for pods at once: its service account is not waited for but made, as a controller would in a while."""
    made = api.create(
        "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": f"{prefix}-"}}
    )
    name = str(made["metadata"]["name"])
    with contextlib.suppress(Refused):  # 409: the controller was quicker
        api.create(f"/api/v1/namespaces/{name}/serviceaccounts", {"metadata": {"name": "default"}})
    return name


def condition(scaled: Object | None, kind: str) -> Object:
    """The condition of this type; empty when it is not there."""
    told = ((scaled or {}).get("status") or {}).get("conditions") or []
    return next((one for one in told if one["type"] == kind), {})


def trigger(knob: Knob, target: float | str = 5, **more: Any) -> Object:
    """A metrics-api trigger; `more` are fields of the trigger (name, metricType) or, with metadata=, of its metadata."""
    metadata = {"url": knob.url, "valueLocation": "value", "targetValue": f"{target}", **more.pop("metadata", {})}
    return {"type": "metrics-api", "metadata": metadata, **more}
