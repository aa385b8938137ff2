"""Everyone's recommendation at once: what the roster's aggregates say under the terms of each subject.

A *plan* says which aggregates count for which container of which subject; it holds until the roster changes. Judging
by it is arithmetic over columns, whatever the number of containers.
"""

from typing import Any, NamedTuple

import numpy as np

from scaler.vertical.amounts import RESOURCES, Amounts, Recommendation
from scaler.vertical.buckets import Floats, Integers
from scaler.vertical.estimation import amounts, scaled
from scaler.vertical.histograms import Groups
from scaler.vertical.roster import Roster, Subject
from scaler.vertical.sizing import CPU, MEMORY, Evidence, Rules, bounds, estimates, evidence, sizes
from scaler.vertical.terms import ContainerTerms, Defaults
from scaler.vertical.usage import Aggregates, Truths


class Plan(NamedTuple):
    """Which aggregates count for whom. A *group* is one container of one subject, in the order of both."""

    version: int
    """Of the roster."""
    subjects: list[Subject]
    names: list[str]
    """(groups) the containers."""
    owners: Integers
    """(groups) number of the subject."""
    begins: list[int]
    """(subjects + 1) number of each subject's first group."""
    groups: Groups
    off: Truths
    """(groups) whether the container is not sized."""
    controlled: Truths
    """(groups, 2)"""
    min_allowed: Integers
    max_allowed: Integers
    whole_cores: Truths
    minimum: Floats
    """(subjects, 2) millicores and MiB of a pod."""
    fit_node: Truths
    """(subjects)"""
    floors: Integers
    """(groups) bytes."""
    floors_until: Floats


class Judged(NamedTuple):
    """What is recommended, a row a group."""

    given: Truths
    """(groups) whether there is a recommendation at all."""
    sizes: Integers
    """(groups, 4, 2)"""
    evidence: Evidence
    minimum: Integers
    """(groups, 2) the container's share of its pod's minimum."""


def plan(roster: Roster) -> Plan:
    """The roster as it stands."""
    subjects = list(roster.subjects())
    names: list[str] = []
    owners: list[int] = []
    begins, row_begins, rows = [0], [0], list[int]()
    terms: list[ContainerTerms] = []
    floors: list[tuple[int, float]] = []
    for number, subject in enumerate(subjects):
        for name, found in subject.rows().items():
            names.append(name)
            owners.append(number)
            rows += found
            row_begins.append(len(rows))
            terms.append(subject.terms.of(name))
            floor = subject.floors.get(name)
            floors.append((floor.size, floor.until) if floor else (0, 0.0))
        begins.append(len(names))
    return Plan(
        version=roster.version,
        subjects=subjects,
        names=names,
        owners=np.array(owners, np.int64),
        begins=begins,
        groups=Groups.of_lists(rows, row_begins[:-1]),
        off=np.array([one.off for one in terms], np.bool_),
        controlled=_pairs([one.controlled for one in terms], np.bool_),
        min_allowed=_pairs([one.min_allowed for one in terms], np.int64),
        max_allowed=_pairs([one.max_allowed for one in terms], np.int64),
        whole_cores=np.array([one.whole_cores for one in terms], np.bool_),
        minimum=_pairs([one.terms.minimum for one in subjects], np.float64),
        fit_node=np.array([one.terms.fit_node for one in subjects], np.bool_),
        floors=np.array([size for size, _ in floors], np.int64),
        floors_until=np.array([until for _, until in floors], np.float64),
    )


def judge(aggregates: Aggregates, found: Plan, defaults: Defaults, now: float, node: Amounts | None = None) -> Judged:
    """Everyone's sizes. `node` is what the largest node has room for, where that is known."""
    shown = evidence(aggregates, found.groups, defaults.estimation) if found.names else _nothing()
    given = (shown.samples > 0) & ~found.off
    minimum = _minimum(found, given)
    estimated = estimates(shown, minimum, defaults.estimation)
    floor = np.where(found.floors_until > now, found.floors, 0)
    estimated[:, :, MEMORY] = np.maximum(estimated[:, :, MEMORY], floor[:, None])
    rules = Rules(found.controlled, found.min_allowed, found.max_allowed, found.whole_cores)
    sized = sizes(estimated, rules, defaults.rounding)
    if node and found.fit_node.any():
        _fit(sized, found, given, node)
    return Judged(given, sized, shown, minimum)


def recommendation(found: Plan, judged: Judged, subject: int) -> Recommendation:
    """What is recommended for one subject's containers, by name."""
    numbers = range(found.begins[subject], found.begins[subject + 1])
    return {
        found.names[group]: bounds(judged.sizes[group], found.controlled[group])
        for group in numbers
        if judged.given[group]
    }


def _minimum(found: Plan, given: Truths) -> Integers:
    """(groups, 2) each container's share of what its pod is recommended at least."""
    sharing = np.bincount(found.owners[given], minlength=len(found.subjects))
    share = (1.0 / np.maximum(sharing, 1))[found.owners]
    cpu = amounts(found.minimum[found.owners, CPU] * 0.001 * 1000.0)
    memory = amounts(found.minimum[found.owners, MEMORY] * 1024 * 1024)
    return np.stack([scaled(cpu, share), scaled(memory, share)], axis=1)


def _fit(sized: Integers, found: Plan, given: Truths, node: Amounts) -> None:
    """Shrink the containers of pods that no node has room for, each by the same share; what was uncapped stays so."""
    counts = given & found.fit_node[found.owners]
    for at, resource in enumerate(RESOURCES):
        room = node.get(resource, 0)
        for kind in range(3):
            wanted = np.where(counts & found.controlled[:, at], sized[:, kind, at], 0)
            whole = np.bincount(found.owners, weights=wanted, minlength=len(found.subjects))[found.owners]
            too_much = (wanted > 0) & (whole > room) & (room > 0)
            sized[:, kind, at] = np.where(too_much, wanted * (room / np.maximum(whole, 1)), sized[:, kind, at])


def _pairs(values: list[tuple[Any, Any]], kind: Any) -> Any:
    return np.array(values, kind).reshape(-1, 2)


def _nothing() -> Evidence:
    none = np.zeros(0)
    return Evidence(np.zeros((0, 3, 2), np.int64), none, none, np.zeros(0, np.int64))
