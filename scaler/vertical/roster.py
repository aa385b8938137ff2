"""Who runs, who is sized, and whose usage counts for whom.

Pods come with labels; containers of one name in pods of one namespace and label set share an aggregate, which
outlives them. A *subject* is one VerticalPodAutoscaler: it takes the aggregates of every label set that its selector
matches, whichever of the two came first, and those that were loaded from its checkpoints. Nothing is judged here.

Pods of a Job that a CronJob made are told apart by labels of their Job, a new set with every run; those labels are
left out of the set unless a selector of the namespace asks for them.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
import numpy as np

from scaler.api.selector import Selector
from scaler.vertical.amounts import Amounts
from scaler.vertical.pods import InitContainers
from scaler.vertical.terms import Terms
from scaler.vertical.usage import Aggregates, Containers, MemoryRules

Key = tuple[str, str]
"""Namespace and name."""
Label = tuple[str, str]

OF_ONE_JOB: Final = frozenset(
    {
        "controller-uid",
        "job-name",
        "batch.kubernetes.io/controller-uid",
        "batch.kubernetes.io/job-name",
        "batch.kubernetes.io/job-completion-index",
    }
)
"""Labels that the Job controller puts on its pods."""
_BY_SCHEDULE: Final = re.compile(r".+-[0-9]{8,10}")
"""How the CronJob controller names a Job: its own name and the minute that it was due, counted from 1970."""


class Crew(msgspec.Struct, frozen=True, gc=False):
    """A pod, as far as usage goes."""

    labels: Mapping[str, str]
    containers: tuple[str, ...]
    """Names, without init containers."""
    sidecars: tuple[str, ...] = ()
    """Init containers that restart always."""
    init_containers: tuple[str, ...] = ()
    """The other ones."""
    job: str = ""
    """The Job that controls it."""


class LabelSet:
    """The pods of one namespace that carry the same labels."""

    __slots__ = ("init", "key", "labels", "namespace", "pods", "rows", "subjects")

    def __init__(self, namespace: str, key: tuple[Label, ...]) -> None:
        self.namespace = namespace
        self.key = key
        self.labels = dict(key)
        self.pods = 0
        """How many there are."""
        self.rows: dict[str, int] = {}
        """Aggregates by container name."""
        self.init: dict[str, InitContainers] = {}
        """Which of the names are init containers, and what an object must say to size them."""
        self.subjects: set[Subject] = set()


class Subject:
    """One VerticalPodAutoscaler."""

    __slots__ = ("floors", "index", "initial", "key", "recommended", "selector", "sets", "terms")

    def __init__(self, key: Key, selector: Selector, terms: Terms) -> None:
        self.key = key
        self.selector = selector
        self.terms = terms
        self.sets: set[LabelSet] = set()
        self.initial: dict[str, int] = {}
        """Aggregates loaded from checkpoints, by container name."""
        self.floors: dict[str, Floor] = {}
        """By container name."""
        self.recommended: dict[str, Amounts] = {}
        """The last target of each container."""
        self.index: Label | None = None
        """The label that its selector asks for, and it is found by."""

    @property
    def matches_pods(self) -> bool:
        """Whether any pod is its own."""
        return any(found.pods for found in self.sets)

    def takes(self, found: LabelSet, container: str) -> bool:
        """Whether it sizes containers of that name at all; init containers only where it was asked to."""
        role = found.init.get(container)
        return role is None or self.terms.init_containers in {role, "all"}

    def remember(self, targets: Mapping[str, Amounts]) -> None:
        """These are recommended now; a container without a new target keeps its last."""
        self.recommended.update(targets)

    def rows(self) -> dict[str, list[int]]:
        """The aggregates that count for each container, by name; the loaded one last."""
        rows: dict[str, list[int]] = {}
        for found in sorted(self.sets, key=lambda one: one.key):
            for name, row in found.rows.items():
                if self.takes(found, name):
                    rows.setdefault(name, []).append(row)
        for name, row in self.initial.items():
            rows.setdefault(name, []).append(row)
        return dict(sorted(rows.items()))


class Floor(msgspec.Struct, frozen=True, gc=False):
    """Memory that a container is not sized below, since it was killed for having less."""

    size: int
    """Bytes."""
    until: float


class _Namespace:
    """What is found by its labels."""

    __slots__ = ("by_job", "indexed", "sets", "subjects", "with_label")

    def __init__(self) -> None:
        self.sets: dict[tuple[Label, ...], LabelSet] = {}
        self.with_label: dict[Label, set[LabelSet]] = {}
        self.subjects: dict[str, Subject] = {}
        self.indexed: dict[Label | None, set[Subject]] = {None: set()}
        """Subjects by the label they are found by; under None those whose selector asks for no one value."""
        self.by_job = False
        """Whether a selector asks for a label of `OF_ONE_JOB`."""


class _Entry:
    """A pod that runs."""

    __slots__ = ("crew", "names", "rows", "set")

    def __init__(self, crew: Crew, found: LabelSet) -> None:
        self.crew = crew
        self.set = found
        self.names = crew.containers
        self.rows: tuple[int, ...] = ()
        """Of its containers, in the order of `names`."""


class Roster:
    """Everyone there is."""

    def __init__(self, aggregates: Aggregates, memory: MemoryRules | None = None) -> None:
        self.aggregates = aggregates
        self.containers = Containers(aggregates)
        self.version = 0
        """Grows whenever it may count differently for whom."""
        self.matching = 0
        """Grows whenever other pods may be matched."""
        self._memory = memory or MemoryRules()
        self._namespaces: dict[str, _Namespace] = {}
        self._pods: dict[Key, _Entry] = {}
        self._owners: dict[int, tuple[LabelSet, str]] = {}

    @property
    def pods(self) -> int:
        """How many run."""
        return len(self._pods)

    def subjects(self) -> Iterator[Subject]:
        """All of them."""
        for namespace in self._namespaces.values():
            yield from namespace.subjects.values()

    def subject(self, key: Key) -> Subject | None:
        """One of them."""
        namespace = self._namespaces.get(key[0])
        return namespace.subjects.get(key[1]) if namespace else None

    # -- pods ------------------------------------------------------------------------------------------------------

    def put_pod(self, key: Key, crew: Crew, now: float) -> None:
        """A pod runs, or has other labels than before; its containers keep what is known of their memory."""
        entry = self._pods.get(key)
        if entry is not None and entry.crew == crew:
            return
        found = self._set_for(key[0], crew)
        if entry is None:
            entry = self._pods[key] = _Entry(crew, found)
        else:
            self._leave(entry)
            entry.set = found
        entry.crew = _sharing_labels(crew, found)
        found.pods += 1
        if found.pods == 1:
            self.version += 1
        known = dict(zip(entry.names, entry.rows, strict=False))
        entry.names = crew.containers + tuple(name for name in known if name not in crew.containers)
        entry.rows = tuple(self._container(found, name, known.get(name), now) for name in entry.names)

    def drop_pod(self, key: Key) -> None:
        """A pod is gone; what it used stays."""
        entry = self._pods.pop(key, None)
        if entry is None:
            return
        self._leave(entry)
        for row in entry.rows:
            self.containers.drop(row)

    def container(self, key: Key, name: str, now: float) -> int | None:
        """The row of a running container; None when it is not one whose usage counts for anybody."""
        entry = self._pods.get(key)
        if entry is None:
            return None
        if name in entry.names:
            return entry.rows[entry.names.index(name)]
        role: InitContainers = "sidecars" if name in entry.crew.sidecars else "all"
        if role == "all" and name not in entry.crew.init_containers:
            return None
        entry.set.init[name] = role
        row = self._container(entry.set, name, None, now)
        entry.names, entry.rows = (*entry.names, name), (*entry.rows, row)
        return row

    def wants(self, namespace: str, labels: Mapping[str, str]) -> bool:
        """Whether any subject matches a pod with these labels."""
        place = self._namespaces.get(namespace)
        return place is not None and any(True for _ in _matching(place, labels))

    def label_set(self, key: Key) -> LabelSet | None:
        """Whose labels a pod carries."""
        entry = self._pods.get(key)
        return entry.set if entry else None

    def _leave(self, entry: _Entry) -> None:
        entry.set.pods -= 1
        if not entry.set.pods:
            self.version += 1

    def _container(self, found: LabelSet, name: str, known: int | None, now: float) -> int:
        aggregate = found.rows.get(name)
        if aggregate is None:
            aggregate = found.rows[name] = self.aggregates.new(now, self._rules(found, name))
            self._owners[aggregate] = (found, name)
            self.version += 1
        if known is None:
            return self.containers.new(aggregate)
        self.containers.aggregate[known] = aggregate
        return known

    def _rules(self, found: LabelSet, name: str) -> MemoryRules:
        for subject in found.subjects:
            return subject.terms.of(name).memory
        return self._memory

    def _set_for(self, namespace: str, crew: Crew) -> LabelSet:
        place = self._namespaces.setdefault(namespace, _Namespace())
        labels = crew.labels
        if crew.job and not place.by_job and _BY_SCHEDULE.fullmatch(crew.job):
            labels = {name: value for name, value in labels.items() if name not in OF_ONE_JOB}
        key = tuple(sorted(labels.items()))
        found = place.sets.get(key)
        if found is None:
            found = place.sets[key] = LabelSet(namespace, key)
            for label in key:
                place.with_label.setdefault(label, set()).add(found)
            for subject in _matching(place, found.labels):
                self._link(subject, found)
        return found

    # -- subjects --------------------------------------------------------------------------------------------------

    def put_subject(self, key: Key, selector: Selector, terms: Terms) -> Subject:
        """A subject is there, or says something else than before."""
        place = self._namespaces.setdefault(key[0], _Namespace())
        subject = place.subjects.get(key[1])
        if subject is not None and (subject.selector, subject.terms) == (selector, terms):
            return subject
        self.version += 1
        self.matching += subject is None or subject.selector != selector
        if subject is None:
            subject = place.subjects[key[1]] = Subject(key, selector, terms)
            self._match(place, subject)
        elif subject.selector != selector:
            self._unmatch(place, subject)
            subject.selector, subject.terms = selector, terms
            self._match(place, subject)
        else:
            subject.terms = terms
            for found in subject.sets:
                self._follow(subject, found)
        return subject

    def drop_subject(self, key: Key) -> None:
        """A subject is gone, and with it what was loaded for it."""
        subject = self.subject(key)
        if subject is None:
            return
        self.version += 1
        self.matching += 1
        place = self._namespaces[key[0]]
        self._unmatch(place, subject)
        del place.subjects[key[1]]
        for row in subject.initial.values():
            self.aggregates.drop(row)

    def loaded(self, subject: Subject, container: str, now: float) -> int:
        """A fresh row for what a checkpoint says of one of its containers."""
        known = subject.initial.pop(container, None)
        if known is not None:
            self.aggregates.drop(known)
        row = subject.initial[container] = self.aggregates.new(now, subject.terms.of(container).memory)
        self.version += 1
        return row

    def forget(self, subject: Subject, container: str) -> None:
        """What was loaded of that container does not count any more."""
        row = subject.initial.pop(container, None)
        if row is not None:
            self.aggregates.drop(row)
            self.version += 1

    def set_floor(self, subject: Subject, container: str, floor: Floor | None) -> None:
        """Do not size that container below this; None lifts it."""
        if subject.floors.get(container) == floor:
            return
        self.version += 1
        if floor is None:
            del subject.floors[container]
        else:
            subject.floors[container] = floor

    def _match(self, place: _Namespace, subject: Subject) -> None:
        labels = _single_values(subject.selector)
        place.by_job = place.by_job or any(name in OF_ONE_JOB for name in _names(subject.selector))
        # The rarest label, so that few subjects are asked when a new label set comes.
        subject.index = min(labels, key=lambda label: len(place.indexed.get(label, ())), default=None)
        place.indexed.setdefault(subject.index, set()).add(subject)
        among = min((place.with_label.get(label, set()) for label in labels), key=len, default=place.sets.values())
        for found in list(among):
            if subject.selector.matches(found.labels):
                self._link(subject, found)

    def _unmatch(self, place: _Namespace, subject: Subject) -> None:
        place.indexed[subject.index].discard(subject)
        for found in subject.sets:
            found.subjects.discard(subject)
            if not found.subjects:
                for row in found.rows.values():
                    self.aggregates.follow(row, self._memory)
        subject.sets.clear()

    def _link(self, subject: Subject, found: LabelSet) -> None:
        subject.sets.add(found)
        found.subjects.add(subject)
        self._follow(subject, found)
        self.version += 1

    def _follow(self, subject: Subject, found: LabelSet) -> None:
        for name, row in found.rows.items():
            self.aggregates.follow(row, subject.terms.of(name).memory)

    # -- forgetting ------------------------------------------------------------------------------------------------

    def collect(self, now: float) -> int:
        """Forget the aggregates that are no longer worth keeping; how many they were."""
        rows = np.fromiter(self._owners, np.int64, len(self._owners))
        adding = np.zeros(self.aggregates.rows.top, np.bool_)
        running = self.containers.aggregate
        adding[running[running >= 0]] = True
        gone = rows[self.aggregates.expired(rows, now, adding[rows])].tolist()
        for row in gone:
            if adding[row]:
                self.aggregates.renew(row, now)
            else:
                self._forget(row)
        return len(gone)

    def _forget(self, row: int) -> None:
        found, name = self._owners.pop(row)
        del found.rows[name]
        self.version += 1
        self.aggregates.drop(row)
        if not found.rows and not found.pods:
            place = self._namespaces[found.namespace]
            del place.sets[found.key]
            for label in found.key:
                place.with_label[label].discard(found)
            for subject in found.subjects:
                subject.sets.discard(found)


def _sharing_labels(crew: Crew, found: LabelSet) -> Crew:
    """One mapping for all pods of a set: the labels are most of what is kept of a pod."""
    return msgspec.structs.replace(crew, labels=found.labels) if crew.labels == found.labels else crew


def _matching(place: _Namespace, labels: Mapping[str, str]) -> Iterator[Subject]:
    for label in (*labels.items(), None):
        for subject in place.indexed.get(label, ()):
            if subject.selector.matches(labels):
                yield subject


def _single_values(selector: Selector) -> list[Label]:
    asked = (one for one in selector.requirements if one.operator == "In" and len(one.values) == 1)
    return [(one.key, one.values[0]) for one in asked]


def _names(selector: Selector) -> list[str]:
    return [requirement.key for requirement in selector.requirements]
