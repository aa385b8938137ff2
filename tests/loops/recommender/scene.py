"""A round's parts without a cluster: copies are filled by hand, hands note what they are given."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from scaler.actions import Action, KeepCheckpoint, WriteRecommendation
from scaler.api.selector import Selector, parse_selector
from scaler.api.verticalpodautoscaler import TargetRef, VerticalPodAutoscaler
from scaler.clock import to_rfc3339
from scaler.errors import ApiError
from scaler.kube.connection import Connection
from scaler.kube.hands import Done, Outcome
from scaler.loops.recommender.checkpoints import Checkpoints, Found
from scaler.loops.recommender.nodes import Nodes
from scaler.loops.recommender.objects import Objects, Scope
from scaler.loops.recommender.pods import Eviction, PodsFeed
from scaler.loops.recommender.rounds import Options, Rounds
from scaler.loops.recommender.writer import Writer
from scaler.vertical.amounts import Amounts
from scaler.vertical.conditions import Trouble
from scaler.vertical.roster import Roster
from scaler.vertical.running import RunningPod
from scaler.vertical.samples import PodUsage, Usages
from scaler.vertical.usage import Aggregates

START = 1767225600.0
"""2026-01-01T00:00:00Z"""
MIB = 1 << 20


class Clock:
    def __init__(self) -> None:
        self.time = START

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


class Finder:
    """Targets by name: a selector for their label, or the trouble that was said."""

    def __init__(self) -> None:
        self.troubles: dict[str, Trouble] = {}

    async def find(self, namespace: str, target: TargetRef | None) -> Selector | Trouble:
        if target is None:
            return Trouble("NoTarget", "none")
        return self.troubles.get(target.name) or parse_selector(f"app={target.name}")


class Told:
    """Usage as it was said, for everyone; None for a source that cannot be read."""

    name = "told"

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.usage: dict[tuple[str, str], dict[str, tuple[str, str]]] | None = {}

    async def read(self) -> list[PodUsage]:
        if self.usage is None:
            raise ApiError(503, "ServiceUnavailable", "metrics are not available")
        items = [
            {
                "metadata": {"namespace": namespace, "name": name},
                "timestamp": to_rfc3339(self.clock.time),
                "containers": [
                    {"name": container, "usage": {"cpu": cpu, "memory": memory}}
                    for container, (cpu, memory) in containers.items()
                ],
            }
            for (namespace, name), containers in self.usage.items()
        ]
        return msgspec.convert({"items": items}, Usages).items


class Noting:
    """Hands that note what they are given, and apply statuses to the copy, as the API server would."""

    def __init__(self) -> None:
        self.actions: list[Action] = []
        self.scene: Scene | None = None
        self.prunes = False

    async def carry_out(self, action: Action, why: str = "") -> Outcome:
        self.actions.append(action)
        if isinstance(action, WriteRecommendation) and self.scene is not None:
            self.scene.take(action, prunes=self.prunes)
        return Done()

    def drained(self) -> list[Action]:
        found, self.actions = self.actions, []
        return found


class Kept(Checkpoints):
    """Checkpoints that stand where a test put them."""

    found: list[Found] = []

    async def read(self) -> list[Found]:
        return self.found


class Largest(Nodes):
    """A largest node as a test says."""

    room: Amounts | None = None

    async def largest(self) -> Amounts | None:
        return self.room


class Scene:
    """All of it."""

    def __init__(self, options: Options | None = None, *, scope: Scope | None = None, saving: bool = False) -> None:
        self.clock, self.finder, self.hands = Clock(), Finder(), Noting()
        self.options = options or Options(orphans_each=float("inf"))
        self.roster = Roster(Aggregates(), self.options.defaults.memory)
        nowhere = Connection("http://127.0.0.1:9")
        self.objects = Objects(nowhere, self.roster, self.finder, scope or Scope(), self.options.defaults)
        self.pods = PodsFeed(nowhere, self.roster, self.clock, saving=saving, ignored=frozenset({"ignored"}))
        self.source = Told(self.clock)
        self.checkpoints = Kept(nowhere, self.roster)
        self.nodes = Largest(nowhere, self.clock)
        self.writer = Writer(self.hands, 1)
        self.rounds = Rounds(
            roster=self.roster, objects=self.objects, pods=self.pods, source=self.source,
            checkpoints=self.checkpoints, writer=self.writer, nodes=self.nodes, clock=self.clock, options=self.options,
        )  # fmt: skip
        self.hands.scene = self
        self._version = 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Scene"]:
        writing = asyncio.create_task(self.writer.run())
        await self.rounds.begin()
        yield self
        writing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await writing

    async def turn(self, seconds: float = 60.0) -> list[Action]:
        """A round, and what was written for it."""
        await self.rounds.once()
        assert await self.writer.flush(10)
        self.clock.time += seconds
        return self.hands.drained()

    def vpa(
        self, name: str = "web", *, annotations: dict[str, str] | None = None, uid: str = "1", **spec: Any
    ) -> None:
        """Make or change one."""
        self._version += 1
        ref = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
        old = self.objects.copy.get("shop", name)
        meta = {
            "name": name, "namespace": "shop", "uid": uid, "generation": 1, "annotations": annotations or {},
            "resourceVersion": f"v{self._version}", "creationTimestamp": to_rfc3339(START),
        }  # fmt: skip
        status = {"status": msgspec.to_builtins(old.status)} if old is not None and old.metadata.uid == uid else {}
        made = {"metadata": meta, "spec": {"targetRef": ref, **spec}, **status}
        self.objects.copy.replace(msgspec.convert(made, VerticalPodAutoscaler))

    def take(self, action: WriteRecommendation, *, prunes: bool) -> None:
        """The status comes back by the watch."""
        vpa = self.objects.copy.get(action.ref.namespace, action.ref.name)
        assert vpa is not None
        self._version += 1
        status = msgspec.json.decode(msgspec.json.encode(action.status), type=type(action.status))
        if prunes:
            bare = tuple(msgspec.structs.replace(one, observed_generation=0) for one in status.conditions)
            status = msgspec.structs.replace(status, observed_generation=0, conditions=bare)
        meta = msgspec.structs.replace(vpa.metadata, resource_version=f"v{self._version}")
        self.objects.copy.replace(msgspec.structs.replace(vpa, metadata=meta, status=status))

    def pod(
        self,
        name: str = "web-0",
        *,
        app: str = "web",
        containers: tuple[str, ...] = ("app",),
        phase: str = "Running",
        **more: Any,
    ) -> None:
        """Make or change one."""
        self._version += 1
        meta = {"name": name, "namespace": more.pop("namespace", "shop"), "labels": {"app": app}}
        made = {
            "metadata": {**meta, "resourceVersion": f"v{self._version}"},
            "spec": {
                "containers": [{"name": one, "resources": {"requests": {"memory": "1000Mi"}}} for one in containers]
            },
            "status": {"phase": phase, **more},
        }
        self.pods.copy.replace(msgspec.convert(made, RunningPod))

    def uses(
        self, cpu: str = "100m", memory: str = "307200Ki", *, pod: str = "web-0", container: str = "app"
    ) -> None:
        assert self.source.usage is not None
        self.source.usage.setdefault(("shop", pod), {})[container] = (cpu, memory)

    def evict(self, pod: str, usage: str) -> None:
        about = {
            "offending_containers": "app", "offending_containers_usage": usage, "starved_resource": "memory",
        }  # fmt: skip
        meta = {
            "name": f"{pod}.1",
            "namespace": "shop",
            "annotations": about,
            "creationTimestamp": to_rfc3339(self.clock.time),
        }
        event = {"metadata": meta, "involvedObject": {"kind": "Pod", "namespace": "shop", "name": pod}}
        self.pods.evicted.replace(msgspec.convert(event, Eviction))

    def target(self, name: str = "web", container: str = "app") -> dict[str, Any]:
        """What the status recommends."""
        vpa = self.objects.copy.get("shop", name)
        assert vpa is not None
        found = vpa.status.recommendation
        return {one.container_name: one.target for one in (found.container_recommendations if found else ())}.get(
            container, {}
        )

    def condition(self, type_: str, name: str = "web") -> str:
        vpa = self.objects.copy.get("shop", name)
        assert vpa is not None
        return next((one.status for one in vpa.status.conditions if one.type == type_), "")


def statuses(actions: list[Action]) -> list[str]:
    return [one.ref.name for one in actions if isinstance(one, WriteRecommendation)]


def checkpoints(actions: list[Action]) -> list[str]:
    return [one.name for one in actions if isinstance(one, KeepCheckpoint)]
