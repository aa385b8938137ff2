"""One round of the recommender: look at the objects, count everyone's usage, judge, and say what is to be written.

It waits only for what it reads. A round that is late leaves the next one out; what a source cannot tell is missing
from the round and no reason to end it. No data is never zero: a recommendation stands while nothing is known.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable

import msgspec
import numpy as np

from scaler.actions import WriteRecommendation
from scaler.api.verticalpodautoscaler import PodRecommendation, VerticalPodAutoscalerStatus
from scaler.clock import Clock
from scaler.errors import ApiError, Unreadable
from scaler.loops.hpas import place
from scaler.loops.recommender.checkpoints import Checkpoints
from scaler.loops.recommender.coupling import BIGGEST, NEARLY_ALL, Couplings, Told, annotating
from scaler.loops.recommender.nodes import Nodes
from scaler.loops.recommender.objects import Objects, Tracked
from scaler.loops.recommender.past import Past
from scaler.loops.recommender.pods import PodsFeed
from scaler.loops.recommender.sources import Source
from scaler.loops.recommender.timing import LATENCIES, Durations, Steps
from scaler.loops.recommender.writer import Writer
from scaler.vertical.amounts import Amounts
from scaler.vertical.conditions import Facts, conditions, missing
from scaler.vertical.estimation import amounts, confidence
from scaler.vertical.histograms import Groups
from scaler.vertical.oom import Kill
from scaler.vertical.quality import InForce, Quality, in_force
from scaler.vertical.recommending import Judged, judge, plan, recommendation
from scaler.vertical.roster import Floor, Roster, Subject
from scaler.vertical.samples import EARLY, PodUsage, gather
from scaler.vertical.sizing import MEMORY
from scaler.vertical.status import written
from scaler.vertical.terms import Defaults

log = logging.getLogger("scaler.recommender")

COLLECT_EACH = 3600.0
"""Seconds between two searches for usage that is too old to count."""


class Options(msgspec.Struct, frozen=True):
    """How rounds are made."""

    interval: float = 60.0
    defaults: Defaults = Defaults()
    humanized: bool = False
    checkpoints: bool = True
    """Keep what is learned in checkpoints."""
    checkpoint_interval: float = 300.0
    orphans_each: float = 600.0


class Rounds:
    """Everything a round needs, and what the last one came to."""

    def __init__(
        self,
        *,
        roster: Roster,
        objects: Objects,
        pods: PodsFeed,
        source: Source,
        checkpoints: Checkpoints,
        writer: Writer,
        nodes: Nodes,
        past: Past | None = None,
        couplings: Couplings | None = None,
        clock: Clock,
        options: Options,
    ) -> None:
        self.roster = roster
        self.objects = objects
        self.plan = plan(roster)
        self.judged: Judged | None = None
        """Of the last round, by `plan`."""
        self.numbers: dict[Subject, int] = {}
        """Of the subjects in the plan."""
        self.finished_at = 0.0
        """Loop time of the end of the last round."""
        self.steps = Steps()
        self.first = Durations(LATENCIES)
        """From an object's making to its first recommendation."""
        self.quality = Quality()
        self.refused: Counter[str] = Counter()
        """Samples that did not count, by why."""
        self.responses: Counter[bool] = Counter()
        """Answers of the source, by whether they were errors."""
        self.source = source
        self._pods = pods
        self._nodes = nodes
        self._past = past
        self._couplings = couplings
        self._targeting: dict[str, list[Tracked]] = {}
        """Objects by their workload, of those that act."""
        self._node: Amounts | None = None
        self._checkpoints = checkpoints
        self._writer = writer
        self._clock = clock
        self._options = options
        self._collected_at = clock.now()
        self._orphans_at = clock.now()
        self._matching = -1
        self._in_force: InForce | None = None
        self._generations = True
        writer.on_missed = checkpoints.missed

    # -- running ---------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Begin, then one round after the other, for ever."""
        await self.begin()
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            await self.once()
            late = loop.time() - due
            due += self._options.interval * (1 + max(0, int(late // self._options.interval)))
            await asyncio.sleep(max(0.0, due - loop.time()))

    async def begin(self) -> None:
        """What must be known before the first round: objects, and what was learned of them before."""
        appeared = await self.objects.look()
        self._pods.look_again()
        if self._options.checkpoints:
            now = self._clock.now()
            loaded = self._checkpoints.load(await self._checkpoints.read(), self.roster.subjects(), now)
            log.info("checkpoints are loaded", extra={"checkpoints": loaded, "objects": len(self.objects.tracked)})
        self._want_past(appeared)

    def _want_past(self, appeared: Iterable[Tracked]) -> None:
        """Of those that nothing is known of yet."""
        if self._past is not None:
            self._past.want(one for one in appeared if one.subject is not None and not one.subject.initial)

    async def once(self) -> None:
        """One round."""
        with self.steps.timed("total"):
            with self.steps.timed("LoadVPAs"):
                await self._look()
            with self.steps.timed("LoadMetrics"):
                usages = await self._read()
            with self.steps.timed("AddSamples"):
                self._count(usages)
            with self.steps.timed("UpdateVPAs"):
                self._tell(self._judge())
            with self.steps.timed("MaintainCheckpoints"):
                await self._keep()
            with self.steps.timed("GarbageCollect"):
                self._collect()
        self.finished_at = asyncio.get_running_loop().time()

    # -- observing -------------------------------------------------------------------------------------------------

    async def _look(self) -> None:
        appeared = await self.objects.look()
        if self._matching != self.roster.matching:
            self._matching = self.roster.matching
            self._pods.look_again()
        if any(subject.terms.fit_node for subject in self.roster.subjects()):
            self._node = await self._nodes.largest()
        if appeared and self._options.checkpoints and self.finished_at:
            await self._adopt(appeared)
        if self.finished_at:
            self._want_past(appeared)

    async def _adopt(self, appeared: list[Tracked]) -> None:
        """Objects that became ours while we run, such as from another recommender: go on where that one was."""
        try:
            found = await self._checkpoints.read()
        except ApiError as error:
            log.warning("checkpoints cannot be read", extra={"error": str(error)})
            return
        born = {tracked.key: tracked.vpa.metadata.created for tracked in appeared}
        own = [
            one for one in found if one.updated >= born.get((one.metadata.namespace, one.spec.vpa_object_name), 0.0)
        ]
        subjects = [tracked.subject for tracked in appeared if tracked.subject is not None]
        self._checkpoints.load(own, subjects, self._clock.now())

    async def _read(self) -> list[PodUsage]:
        try:
            found = await self.source.read()
        except (ApiError, Unreadable) as error:
            self.responses[True] += 1
            log.warning("usage cannot be read", extra={"source": self.source.name, "error": str(error)})
            return []
        self.responses[False] += 1
        return found

    def _count(self, usages: Iterable[PodUsage]) -> None:
        now = self._clock.now()
        if self._couplings is not None:
            usages = self._couplings.look(self.objects, self.roster, self._pods.copy.objects, usages)
        batch = gather(usages, self.roster, now)
        containers = self.roster.containers
        containers.add_cpu(batch.rows, batch.times, batch.millicores)
        containers.add_memory(batch.rows, batch.times, batch.sizes)
        if self._in_force is not None:
            self.quality.count(containers.aggregate[batch.rows], batch, self._in_force)
        self.refused += batch.refused
        for kill in self._pods.drain():
            if kill.time <= now + EARLY:
                self._record(kill, now)

    def _record(self, kill: Kill, now: float) -> None:
        key = (kill.namespace, kill.pod)
        row = self.roster.container(key, kill.container, now)
        found = self.roster.label_set(key)
        if row is None or found is None or not self.roster.containers.record_oom(row, kill.time, kill.memory):
            return
        log.info(
            "a container was killed for memory",
            extra={"pod": "/".join(key), "container": kill.container, "bytes": kill.memory},
        )
        needed = int(self.roster.containers.oom_peak[row])
        for subject in found.subjects:
            if subject.terms.oom_floor > 0 and subject.takes(found, kill.container):
                self._raise_floor(subject, kill.container, needed, now)

    def _raise_floor(self, subject: Subject, container: str, needed: int, now: float) -> None:
        known = subject.floors.get(container)
        size = max(needed, known.size if known and known.until > now else 0)
        self._checkpoints.raise_floor(subject, container, Floor(size, now + subject.terms.oom_floor))

    # -- judging ---------------------------------------------------------------------------------------------------

    def _judge(self) -> list[int]:
        """Judge everyone; the numbers of the subjects whose sizes are not those of the round before."""
        before, same = self.judged, self.plan.version == self.roster.version
        if not same:
            self.plan = plan(self.roster)
            self.numbers = {subject: number for number, subject in enumerate(self.plan.subjects)}
        self.judged = judge(self.roster.aggregates, self.plan, self._options.defaults, self._clock.now(), self._node)
        modes = [self._mode(subject) for subject in self.plan.subjects]
        self._in_force = in_force(self.plan, self.judged, modes, self.roster.aggregates.rows.top)
        if before is None or not same:
            return list(range(len(self.plan.subjects)))
        changed = (before.sizes != self.judged.sizes).any(axis=(1, 2)) | (before.given != self.judged.given)
        found: list[int] = np.unique(self.plan.owners[changed]).tolist()
        return found

    def _mode(self, subject: Subject) -> str:
        tracked = self.objects.tracked.get(subject.key)
        return tracked.vpa.spec.update_mode if tracked else ""

    # -- telling ---------------------------------------------------------------------------------------------------

    def _tell(self, changed: list[int]) -> None:
        fresh = set(changed)
        self._targeting = {}
        for tracked in self.objects:
            ref = tracked.vpa.spec.target_ref
            if ref is not None:
                where = place(tracked.vpa.metadata.namespace, ref.kind, ref.name)
                self._targeting.setdefault(where, []).append(tracked)
        for tracked in self.objects:
            number = self.numbers.get(tracked.subject) if tracked.subject is not None else None
            if number is not None:
                self._tell_one(tracked, number, fresh=number in fresh)

    def _tell_one(self, tracked: Tracked, number: int, *, fresh: bool) -> None:
        judged, subject = self.judged, tracked.subject
        assert judged is not None
        assert subject is not None
        groups = slice(self.plan.begins[number], self.plan.begins[number + 1])
        given = bool(judged.given[groups].any())
        known = bool((judged.evidence.samples[groups] > 0).any())
        standing = tracked.vpa.status.recommendation
        stands = (tracked.fetching or not known) and standing is not None and bool(standing.container_recommendations)
        given = given and not tracked.fetching
        told = self._together(tracked, number) if given else None
        fresh = fresh or told is not None
        facts = Facts(given or stands, subject.matches_pods, tracked.trouble, tracked.fetching)
        if not fresh and facts == tracked.facts and tracked.vpa is tracked.seen:
            return
        if fresh or tracked.status is None or facts != tracked.facts:
            wanted = standing if stands else self._written(number, told) if given else None
        else:
            wanted = tracked.status.recommendation
        if given and (tracked.facts is None or not tracked.facts.recommended) and standing is None:
            self.first.add(max(0.0, self._clock.now() - tracked.vpa.metadata.created))
        tracked.facts, tracked.seen = facts, tracked.vpa
        self._write(tracked, wanted, told)
        self._miss(tracked, recommended=facts.recommended)

    def _together(self, tracked: Tracked, number: int) -> Told | None:
        """What becomes of the recommendation beside an HPA on the same workload; None without one."""
        judged, couplings = self.judged, self._couplings
        if judged is None or couplings is None or not couplings.hpas(tracked.vpa):
            return None
        numbers = [
            group for group in range(self.plan.begins[number], self.plan.begins[number + 1]) if judged.given[group]
        ]
        peaks = {self.plan.names[group]: self._peak(group) for group in numbers}
        shown, interval = judged.evidence, self._options.defaults.estimation.cpu_confidence
        known = confidence(shown.first[numbers], shown.last[numbers], shown.samples[numbers], interval)
        ref = tracked.vpa.spec.target_ref
        assert ref is not None
        beside = self._targeting.get(place(tracked.vpa.metadata.namespace, ref.kind, ref.name), [])
        others = [one.vpa for one in beside if one is not tracked]
        found = recommendation(self.plan, judged, number)
        return couplings.judged(tracked, found, others, peaks, float(known.min(initial=np.inf)), self._clock.now())

    def _peak(self, group: int) -> Amounts:
        """What nearly all samples of one container stay within."""
        held, rows = self.roster.aggregates, np.array(self.plan.groups.of(group))
        one = Groups.of_lists(rows.tolist(), [0])
        cpu = amounts(held.cpu.percentiles(one, (NEARLY_ALL,)) * 1000.0)
        memory = amounts(held.memory.percentiles(one, (BIGGEST,)))
        return {"cpu": int(cpu[0, 0]), "memory": int(memory[0, 0])}

    def _written(self, number: int, told: Told | None = None) -> PodRecommendation:
        judged = self.judged
        assert judged is not None
        found = recommendation(self.plan, judged, number) if told is None else told.recommendation
        if not self._options.humanized:
            return written(found)
        groups = range(self.plan.begins[number], self.plan.begins[number + 1])
        most = {self.plan.names[group]: int(self.plan.max_allowed[group, MEMORY]) for group in groups}
        return written(found, humanized=True, most=most)

    def _write(self, tracked: Tracked, wanted: PodRecommendation | None, told: Told | None = None) -> None:
        vpa, facts = tracked.vpa, tracked.facts
        assert facts is not None
        self._notice_pruning(tracked)
        generation = vpa.metadata.generation if self._generations else 0
        beside = told.condition if told is not None else None
        said = conditions(facts, vpa.status.conditions, self._clock.now(), generation, beside)
        if told is not None and told.annotation is not None:
            self._writer.put(annotating(vpa, told.annotation))
        tracked.status = VerticalPodAutoscalerStatus(wanted, said, generation)
        if tracked.status != vpa.status:
            self._writer.put(WriteRecommendation(vpa.ref, tracked.status))

    def _notice_pruning(self, tracked: Tracked) -> None:
        """Definitions older than ours drop observedGeneration: then it is no reason to write again each round."""
        wrote, stands = tracked.status, tracked.vpa.status
        if not self._generations or wrote is None or not wrote.observed_generation or stands.observed_generation:
            return
        if stands.recommendation == wrote.recommendation and len(stands.conditions) == len(wrote.conditions):
            self._generations = False
            log.info("the cluster's definition of VerticalPodAutoscaler has no observedGeneration; it is left out")

    def _miss(self, tracked: Tracked, *, recommended: bool) -> None:
        now = self._clock.now()
        tracked.missing_since, say = missing(tracked.missing_since, now, recommended=recommended)
        if say:
            log.warning("a recommendation is missing for long", extra={"vpa": "/".join(tracked.key)})

    # -- keeping ---------------------------------------------------------------------------------------------------

    async def _keep(self) -> None:
        judged = self.judged
        if not self._options.checkpoints or judged is None:
            return
        now = self._clock.now()
        share = min(1.0, self._options.interval / self._options.checkpoint_interval)
        busy = {self.numbers[one.subject] for one in self.objects if one.fetching and one.subject in self.numbers}
        seen = (judged.evidence.samples > 0) & ~np.isin(self.plan.owners, list(busy))
        for action in self._checkpoints.due(self.plan, seen, share, now):
            self._writer.put(action)
        if now - self._orphans_at >= self._options.orphans_each:
            self._orphans_at = now
            await self._delete_orphans()

    async def _delete_orphans(self) -> None:
        """Read first what may be deleted, then what there is: an object made between the two is seen."""
        try:
            found = await self._checkpoints.read()
        except ApiError as error:
            log.warning("checkpoints cannot be read", extra={"error": str(error)})
            return
        for action in self._checkpoints.orphans(found, set(self.objects.copy.objects)):
            self._writer.put(action)

    def _collect(self) -> None:
        now = self._clock.now()
        if now - self._collected_at >= COLLECT_EACH:
            self._collected_at = now
            gone = self.roster.collect(now)
            if gone:
                log.info("usage that is too old is forgotten", extra={"aggregates": gone})
