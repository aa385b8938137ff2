"""All pods of one VerticalPodAutoscaler judged together: those that need it most first, within one budget."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal, get_args

import msgspec

from scaler.vertical.disruption import Group, group_of, resize_status
from scaler.vertical.in_place import NO_ATTEMPTS, Attempts
from scaler.vertical.limit_ranges import Ranges
from scaler.vertical.observed import boosted_containers
from scaler.vertical.pod_capping import Capped
from scaler.vertical.pods import Owner, SizedPod
from scaler.vertical.priority import Priority
from scaler.vertical.rules import MOVING, RESIZING, Rules
from scaler.vertical.storms import ONE_FIRST, Storm, evicted, forget_gone, held, look
from scaler.vertical.verdict import (
    Appraisal,
    Case,
    Circumstances,
    Standing,
    Traffic,
    Verdict,
    appraise,
    circumstances_of,
    is_moving,
    judge,
)

Configured = Callable[[Owner], int | None]
"""How many replicas a controller wants; None when it cannot be read. Of a Job nobody asks."""

NOT_APPRAISED = Appraisal((), Capped(), Priority(), "little-change")
"""Of a pod that is left alone whatever it needs."""


class Judged(msgspec.Struct, frozen=True):
    """One pod and what is to be done with it."""

    pod: SizedPod
    appraisal: Appraisal
    verdict: Verdict

    @property
    def rank(self) -> tuple[bool, bool, float]:
        """Greater goes earlier, among the pods of all objects: the end of a boost is due at its time."""
        return (self.verdict.move == "unboost", *self.appraisal.priority.rank)


FIRST_PAUSE, LONGEST_PAUSE = 60.0, 3600.0
"""Seconds after which what the API server refused is tried again; doubled each time."""

Way = Literal["resize", "eviction"]


class _Refusal(msgspec.Struct, frozen=True, gc=False):
    why: str
    until: float
    times: int


class Memory:
    """What is remembered of one object's pods from one judgement to the next."""

    def __init__(self) -> None:
        self.attempts: dict[str, Attempts] = {}
        """By uid."""
        self.refusals: dict[tuple[str, Way], _Refusal] = {}
        """By uid and what was refused."""
        self.storm: Storm | None = None
        self.came_back = False
        """Whether pods were found just now that came back unchanged."""

    def see(self, pods: Sequence[tuple[SizedPod, Appraisal]], now: float) -> None:
        """Take note of resizes on their way and of pods that came back, and forget what is gone."""
        there = {pod.metadata.uid for pod, _ in pods}
        self.attempts = {uid: attempts for uid, attempts in self.attempts.items() if uid in there}
        self.refusals = {key: refusal for key, refusal in self.refusals.items() if key[0] in there}
        for pod, _ in pods:
            if resize_status(pod) != "None":
                known = self.attempts.get(pod.metadata.uid, NO_ATTEMPTS)
                if known.first_seen is None:
                    self.attempts[pod.metadata.uid] = Attempts(now, known.infeasible)
        self.came_back = self.storm is not None and look(self.storm, list(pods), now)
        if self.storm is not None:
            forget_gone(self.storm, there)

    def of(self, uid: str, now: float) -> Attempts:
        """What is remembered of one pod."""
        known = self.attempts.get(uid, NO_ATTEMPTS)
        if not self.refusals:
            return known
        refused = {way: self._refused(uid, way, now) for way in get_args(Way)}
        return Attempts(known.first_seen, known.infeasible, refused["resize"], refused["eviction"])

    def _refused(self, uid: str, way: Way, now: float) -> str:
        refusal = self.refusals.get((uid, way))
        return refusal.why if refusal is not None and now < refusal.until else ""

    def was_refused(self, uid: str, way: Way, words: str, now: float) -> None:
        """The API server refused to move the pod so."""
        before = self.refusals.get((uid, way))
        times = before.times if before is not None else 0
        pause = min(FIRST_PAUSE * 2**times, LONGEST_PAUSE)
        self.refusals[uid, way] = _Refusal(words, now + pause, times + 1)

    def was_infeasible(self, uid: str, rules: Rules) -> None:
        """The pod's node had no room for what is recommended now."""
        known = self.attempts.get(uid, NO_ATTEMPTS)
        self.attempts[uid] = Attempts(known.first_seen, rules.recommendation)

    def was_evicted(self, judged: Judged, there: set[str]) -> None:
        """The pod was evicted; `there` are the uids of all pods of the object."""
        self.storm = evicted(self.storm, judged.pod, judged.appraisal, there)


def is_live(pod: SizedPod) -> bool:
    """Whether the pod may be moved at all: it has a node, has not run to its end, and is not going."""
    if pod.metadata.deletion_timestamp is not None or not pod.spec.node_name:
        return False
    return pod.status.phase not in {"Succeeded", "Failed"}


def judge_all(
    rules: Rules,
    pods: Sequence[SizedPod],
    *,
    ranges: Ranges,
    configured: Configured,
    around: Circumstances,
    memory: Memory,
    now: float,
) -> list[Judged]:
    """Every live pod of an object with what is to be done with it, those that need it most first."""
    mine = circumstances_of(rules, around)
    appraised = [(pod, _appraised(pod, rules, ranges, mine, now)) for pod in pods]
    memory.see(appraised, now)
    groups = _groups(rules, pods, configured, mine)
    traffic = Traffic(len(pods), sum(map(is_moving, pods)))
    appraised.sort(key=lambda one: one[1].priority.rank, reverse=True)
    hold = held(memory.storm, now)
    found: list[Judged] = []
    for pod, appraisal in appraised:
        standing = Standing(groups.get(_place(pod)), traffic, memory.of(pod.metadata.uid, now), hold)
        verdict = judge(Case(pod, rules, ranges, appraisal, standing, mine, now))
        found.append(Judged(pod, appraisal, verdict))
        if verdict.move == "evict" and memory.storm is not None and memory.storm.strikes:
            hold = ONE_FIRST
    return found


def _appraised(pod: SizedPod, rules: Rules, ranges: Ranges, around: Circumstances, now: float) -> Appraisal:
    if rules.mode not in MOVING or rules.recommendation is None or boosted_containers(pod):
        return NOT_APPRAISED
    return appraise(pod, rules, ranges, around.thresholds, now)


def _place(pod: SizedPod) -> tuple[str, str]:
    owner = pod.owner
    return (owner.kind, owner.name) if owner is not None else ("", "")


def _groups(
    rules: Rules, pods: Sequence[SizedPod], configured: Configured, around: Circumstances
) -> Mapping[tuple[str, str], Group]:
    """The pods of each controller; none for pods that nobody would make again."""
    owned: dict[tuple[str, str], tuple[Owner, list[SizedPod]]] = {}
    for pod in pods:
        owner = pod.owner
        if owner is not None:
            owned.setdefault((owner.kind, owner.name), (owner, []))[1].append(pod)
    return dict(_counted(rules, owned.values(), configured, around))


def _counted(
    rules: Rules, owned: Iterable[tuple[Owner, list[SizedPod]]], configured: Configured, around: Circumstances
) -> Iterator[tuple[tuple[str, str], Group]]:
    for owner, pods in owned:
        wanted = len(pods) if owner.kind == "Job" else configured(owner)
        if wanted is not None:
            group = group_of(pods, wanted, around.budgets, resizes=rules.mode in RESIZING)
            yield (owner.kind, owner.name), group
