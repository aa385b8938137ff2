"""The operator without its edges: every loop wired to every other, over an API connection that it is handed.

`scaler.programs.operator` adds settings, signals, the Lease and what listens on the network; the demo runs the same.
"""

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from scaler.actions import Tell
from scaler.api.authentication import TriggerAuthentication
from scaler.api.scaledobject import ScaledObject
from scaler.clock import Clock
from scaler.horizontal.readings import MetricAnswer, Policy
from scaler.horizontal.status import judged
from scaler.kube.connection import Connection
from scaler.kube.hands import Hands
from scaler.kube.intake import Change, Intake, Undecodable
from scaler.loops.adoptions import Adoptions
from scaler.loops.arrivals import Arrivals
from scaler.loops.authentications import Authentications
from scaler.loops.board import Board
from scaler.loops.builder import Builder
from scaler.loops.checks import Checks
from scaler.loops.cluster import ClusterView
from scaler.loops.objects import Objects, Tracked, authentications
from scaler.loops.poller import Poller
from scaler.loops.reconciler import Reconciler
from scaler.loops.sources import Sources
from scaler.loops.standing import Standing
from scaler.triggers.built import Answer
from scaler.triggers.connections import Connections
from scaler.triggers.lookup import Access


class Options(msgspec.Struct, frozen=True):
    """What the engine is told by the settings."""

    policy: Policy = Policy()
    access: Access = Access()
    timeout: float = 3.0
    """Seconds that a source may take unless its trigger says otherwise."""
    namespaces: tuple[str, ...] = ()
    labels: str = ""
    """Label selector of ScaledObjects and their HPAs."""
    cluster_wide: bool = True
    """Whether ClusterTriggerAuthentications are ours to write."""
    workers: int = 32
    spread: float = 8.0
    in_flight: int = 512
    """Questions to sources under way at once."""
    status_interval: float = 60.0
    """Seconds between two writes of lastActiveTime while an object stays active."""
    tells_unexpected: bool = False
    """Whether an event names trigger parameters that nobody reads."""


class Engine:
    """All loops. `run` watches; nothing is written before `act`."""

    def __init__(
        self,
        *,
        connection: Connection,
        intake: Intake,
        hands: Hands,
        tell: Callable[[Tell], None],
        connections: Callable[[ClusterView], Connections],
        clock: Clock,
        options: Options = Options(),  # noqa: B008 - frozen
    ) -> None:
        self.objects = Objects()
        self.board = Board()
        self.sources: Sources[Answer] = Sources(clock.now, options.in_flight)
        self._intake = intake
        self._clock = clock
        self._tell = tell
        self.authentications = Authentications(self.objects, hands, tell, cluster_wide=options.cluster_wide)
        self.cluster = ClusterView(
            connection, self.authentications, namespaces=options.namespaces, labels=options.labels
        )
        self.lent = connections(self.cluster)
        """What triggers are lent."""
        self.builder = Builder(
            self.cluster,
            self.lent,
            self.sources,
            access=options.access,
            timeout=options.timeout,
            tell_unexpected=tell if options.tells_unexpected else None,
        )
        self.checks = Checks(
            objects=self.objects,
            board=self.board,
            sources=self.sources,
            ask=lambda trigger: trigger.ask(self.lent),
            rebuild=self.builder.rebuild,
            scales=self.cluster,
            hands=hands,
            tell=tell,
            policy=options.policy,
            clock=clock,
            status_interval=options.status_interval,
        )
        self.poller = Poller(self.checks.poll, clock, spread=options.spread)
        self.reconciler = Reconciler(
            objects=self.objects,
            world=self.cluster,
            hands=hands,
            tell=tell,
            build=self.builder.build,
            drop=self.builder.drop,
            poller=self.poller,
            board=self.board,
            policy=options.policy,
            clock=clock,
            workers=options.workers,
        )
        self._arrivals = Arrivals(self.objects, self.reconciler, self.builder.void, clock)
        self.checks.on_evaluation.append(lambda tracked, _evaluation: self.reconciler.status_wanted(tracked))
        self.builder.on_new_plans = lambda tracked: self.reconciler.queue.add(tracked.key)
        standing = Standing(self.objects, self._look_again, self.cluster.follows, clock)
        self.checks.on_scaling = self.reconciler.on_scaling = standing.set
        self.reconciler.on_forgotten = standing.forget
        self.cluster.on_changes(self._arrivals.hpa, self._arrivals.target, standing.rescaled, self._arrivals.vpa)
        self._adoptions = Adoptions(self.cluster, hands)
        self.cluster.on_neighbours(self._adoptions.hpa, self._adoptions.vpa)
        intake.on_changes(self._take)

    async def run(self) -> None:
        """Watch the cluster, for ever; ends with the error of whichever watch cannot go on."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._intake.run(), name="intake")
            group.create_task(self.cluster.run(), name="cluster")

    async def synced(self) -> None:
        """Return once everything that is there has been seen."""
        await self.cluster.synced()
        await self._intake.synced.wait()

    def act(self) -> None:
        """We lead: act on what is known, and on what comes."""
        self.reconciler.start()
        self.authentications.start()
        self._adoptions.queue.start()

    async def look(self, namespace: str, name: str, metric: str) -> MetricAnswer:
        """One metric, looked at again; LookupError for what is not here."""
        return await self.checks.look(namespace, name, metric)

    async def hand_over(self) -> None:
        """Stop acting and leave what the next leader must know: when each object was last active."""
        await self.reconciler.stop()
        await self.authentications.queue.stop()
        await self._adoptions.queue.stop()
        for tracked in self.objects:
            if tracked.evaluation is not None:
                tracked.wanted = judged(tracked.wanted, tracked.evaluation, handover=True)
        await self.reconciler.write_statuses()

    async def close(self) -> None:
        """Give back every connection."""
        await self.cluster.close()
        await self.lent.aclose()

    def _look_again(self, tracked: Tracked) -> None:
        if tracked.subject is None:  # paused: nothing polls it
            self.reconciler.queue.add(tracked.key)
        else:
            self.poller.hurry(tracked)

    def _take(self, changes: Sequence[Change]) -> None:
        for change in changes:
            self._take_one(change)

    def _take_one(self, change: Change) -> None:
        ref, new = change.ref, change.new
        if isinstance(new, ScaledObject):
            before = self.objects.get((ref.namespace, ref.name))
            places = authentications(before) if before else []
            self._arrivals.scaled_object(new)
            after = self.objects.get((ref.namespace, ref.name))
            self.authentications.used(places + (authentications(after) if after else []))
        elif isinstance(new, TriggerAuthentication):
            if self.authentications.arrived(new):
                self._arrivals.authentication(ref.kind, ref.namespace, ref.name)
        elif isinstance(new, Undecodable):
            self._undecodable(new)
        elif ref.kind == "ScaledObject":
            before = self.objects.get((ref.namespace, ref.name))
            self._arrivals.scaled_object_gone(ref.namespace, ref.name)
            self.authentications.used(authentications(before) if before else [])
        else:
            self.authentications.gone(ref.kind, ref.namespace, ref.name)
            self._arrivals.authentication(ref.kind, ref.namespace, ref.name)

    def _undecodable(self, broken: Undecodable) -> None:
        """One that our models cannot read: told, and left as it is; whatever scaled it before goes on being held."""
        problems = "; ".join(str(problem) for problem in broken.problems)
        self._tell(Tell(broken.ref, "Warning", f"{broken.ref.kind}CheckFailed", problems))
