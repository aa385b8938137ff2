"""The past of containers from recorded files."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from scaler.advice.gathered import Gathered, columns
from scaler.advice.judging import resource_amounts
from scaler.advice.learning import Learning
from scaler.advice.subjects import Facts
from scaler.errors import Invalid, Problem
from scaler.history import files, measures
from scaler.history.owners import Workload
from scaler.history.queries import Container
from scaler.history.recorded import Recorded
from scaler.history.series import Series
from scaler.history.usage import ContainerUsage
from scaler.vertical.amounts import RESOURCES
from scaler.vertical.usage import MemoryRules

NOTHING = Series(np.zeros(0), np.zeros(0))


def gather(
    paths: Sequence[Path],
    *,
    units: Mapping[str, str],
    capacity: Mapping[str, str],
    requests: Mapping[str, str],
    half_lives: tuple[float, float],
    memory: MemoryRules,
) -> Gathered:
    """Everything in the files that is of cpu or memory. Raises Invalid."""
    read = [(path, one) for path in paths for one in files.read(path)]
    chosen = [(path, one) for path, one in read if _resource(one, units)]
    if not chosen:
        raise Invalid([Problem(", ".join(map(str, paths)), _none([one for _, one in read]))])
    asked = {name: measures.quantity("--request", name, text) for name, text in requests.items()}
    dated = all(one.dated for _, one in chosen)
    usages = _usages(chosen, units, capacity, dated)
    spans = [one.times[[0, -1]] for _, usage in usages for one in (usage.cpu, usage.memory) if len(one)]
    begin, end = float(min(first for first, _ in spans)), float(max(last for _, last in spans))
    learning = Learning(begin, end, half_lives=half_lives, memory=memory, columns=columns(len(usages)))
    for workload, usage in usages:
        learning.add(workload, usage, asked)
    facts = {
        (workload, usage.container.container): Facts(resource_amounts(asked), replicas=1, asked=bool(asked))
        for workload, usage in usages
    }
    step = max((one.cpu.step or one.memory.step) for _, one in usages)
    source = ", ".join(path.name for path in paths)
    return Gathered(source, learning, facts, step, dated, _notes([one for _, one in chosen], read, dated))


def _resource(one: Recorded, units: Mapping[str, str]) -> str:
    return measures.resource(one.metric, units.get(one.metric, one.unit))


def _none(read: Sequence[Recorded]) -> str:
    metrics = sorted({f"{one.metric} ({one.unit})" if one.unit else one.metric for one in read})
    return (
        f"nothing in it is called cpu or memory; there is {', '.join(metrics[:8])}. Say what it is with "
        f"--unit {read[0].metric}=cores (or bytes, MiB, %)"
    )


def _usages(
    chosen: Sequence[tuple[Path, Recorded]], units: Mapping[str, str], capacity: Mapping[str, str], dated: bool
) -> list[tuple[Workload, ContainerUsage]]:
    found: dict[tuple[Workload, str], dict[str, Series]] = defaultdict(dict)
    problems: dict[str, Problem] = {}
    for path, one in chosen:
        try:
            series = measures.amounts(one.series, one.metric, one.unit, units, capacity)
        except Invalid as wrong:
            problems |= {str(problem): problem for problem in wrong.problems}
            continue
        start = 0.0 if dated or not one.dated else series.times[0]
        found[_whose(path, one)][_resource(one, units)] = Series(series.times - start, series.values)
    if problems:
        raise Invalid(list(problems.values()))
    return [(workload, _usage(workload, container, series)) for (workload, container), series in found.items()]


def _usage(workload: Workload, container: str, series: Mapping[str, Series]) -> ContainerUsage:
    place = Container(workload.namespace, workload.name, container)
    return ContainerUsage(place, series.get("cpu", NOTHING), series.get("memory", NOTHING))


def _whose(path: Path, one: Recorded) -> tuple[Workload, str]:
    """``namespace/workload/container``, or less."""
    *above, container = one.name.split("/")
    namespace = above[0] if len(above) > 1 else path.stem
    return Workload(namespace, "Deployment", above[-1] if above else container), container


def _notes(chosen: Sequence[Recorded], read: Sequence[tuple[Path, Recorded]], dated: bool) -> tuple[str, ...]:
    """What was mended, series by series as long as they are few."""
    mended = [f"{one.name}, {one.metric}: {'; '.join(one.notes)}" for one in chosen if one.notes]
    if len(mended) > 5:
        mended = [*mended[:5], f"and {len(mended) - 5} more series were mended or have gaps"]
    if not dated:
        mended.append("times count from an unknown beginning: there are no dates")
    if len(chosen) < len(read):
        others = sorted({one.metric for _, one in read} - {one.metric for one in chosen})
        mended.append(f"left out, being neither cpu nor memory: {', '.join(others)}")
    lacking = [
        which for which in RESOURCES if not any(measures.resource(one.metric, one.unit) == which for one in chosen)
    ]
    if lacking:
        mended.append(f"there is no {lacking[0]} in it: its recommendation is the minimum only")
    return tuple(mended)
