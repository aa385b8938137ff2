"""An explanation on a terminal: the answer first, then all that went into it. Colour only where one sees it."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from scaler.clock import to_rfc3339
from scaler.drawing import terminal
from scaler.horizontal.explain import Explanation, TriggerLine
from scaler.programs import sentences
from scaler.programs.reconstruction import Reconstruction

_COLOURS = {"fresh": "green", "stale": "yellow", "missing": "yellow", "error": "red"}
_STATUS = {"True": "green", "False": "red", "Unknown": "yellow"}
_NO_DATA = {
    "upstream": "as KEDA: a source without data counts as its parameters say",
    "strict": "strict: to zero only on a fresh zero of every trigger",
}


def explanation(told: Explanation, out: Console) -> None:
    """The operator's own explanation."""
    out.print(Text(sentences.headline(told), style="bold"), soft_wrap=True)
    out.print(sentences.outlook(told), soft_wrap=True)
    out.print()
    out.print(_triggers(told))
    _lines(out, "Formula", _formula(told))
    _lines(out, "HPA", _hpa(told))
    _lines(out, "Decision", _decision(told))
    _lines(out, "Blocks", told.blocks)
    _lines(out, "Would change it", (sentences.change(one, told.now) for one in told.changes))
    _lines(out, "In force", _in_force(told))


def reconstruction(seen: Reconstruction, out: Console) -> None:
    """What the cluster shows by itself."""
    out.print(Text(sentences.cluster_headline(seen), style="bold"), soft_wrap=True)
    out.print(Text(sentences.cluster_caveat(seen), style="yellow"), soft_wrap=True)
    out.print()
    _lines(out, "Target", _target(seen))
    if seen.metrics:
        out.print(_metrics(seen))
    _lines(out, "HPA", _hpa_seen(seen))
    _conditions(out, seen)
    _lines(out, "Failing", (f"{name}: {count} in a row" for name, count in seen.failing.items()))
    _lines(out, "Events", (f"{one.at}  {one.reason}: {one.message}{_times(one.count)}" for one in seen.events))


# -- the operator's --------------------------------------------------------------------------------------------


def _triggers(told: Explanation) -> Table:
    heads = ("trigger", "type", "shows", "target", "active above", "active", "HPA: asks for", "seen", "note")
    table = terminal.table(*heads, wrap=heads)
    asks = {metric.metric: metric for metric in told.hpa.metrics}
    for line in told.triggers:
        metric = asks.get(line.metric)
        asked = "" if metric is None or metric.desired is None else str(metric.desired)
        won = " <-" if metric is not None and metric.metric == told.hpa.winner else ""
        table.add_row(
            f"{line.index} {line.name}".strip(),
            line.type,
            Text(sentences.shown(line), style=_COLOURS[line.freshness]),
            _goal(line),
            "" if line.activation is None else sentences.number(line.activation),
            "yes" if line.active else "no" if line.activation is not None else "",
            asked + won,
            "" if line.age is None else sentences.ago(line.age) + (" (stale)" if line.freshness == "stale" else ""),
            _note(line),
        )
    return table


def _goal(line: TriggerLine) -> str:
    if line.target is None:
        return ""
    each = {"AverageValue": " each", "Utilization": "%"}.get(line.metric_type, "")
    return sentences.number(line.target) + each


def _note(line: TriggerLine) -> str:
    failures = f"failed {line.failures} times in a row" if line.failures > 1 else ""
    return "; ".join(part for part in (failures, line.note) if part)


def _formula(told: Explanation) -> Iterable[str]:
    if told.formula is None:
        return
    line = told.formula
    yield f"{line.formula}, with {line.substituted}"
    gives = f"cannot be computed: {line.error}" if line.error else f"gives {sentences.number(line.value)}"
    yield gives + (" (the fallback's)" if line.fallback else f"; active above {sentences.number(line.activation)}")


def _hpa(told: Explanation) -> Iterable[str]:
    hpa = told.hpa
    yield f"{hpa.name}, {hpa.minimum} to {hpa.maximum} replicas" + (f": {hpa.state}" if hpa.state else "")
    for metric in hpa.metrics:
        if metric.desired is None:
            yield f"{metric.metric} has no value: {metric.error}"
    if hpa.desired is not None:
        yield f"{hpa.winner} asks for {hpa.asked}; within the bounds that is {hpa.desired}"
    if hpa.own is not None:
        yield f"the HPA itself wants {hpa.own}: it knows its pace, stabilisation and other metrics, too"


def _decision(told: Explanation) -> Iterable[str]:
    decision = told.decision
    does = "leaves the replicas as they are" if decision.replicas is None else f"sets {decision.replicas} replicas"
    yield f"{decision.reason} ({decision.rule}), {does}: {decision.message}"
    for step in decision.steps:
        yield f"  {step.what}: {step.gives}"


def _in_force(told: Explanation) -> Iterable[str]:
    yield f"no data: {_NO_DATA[told.no_data]}"
    yield f"activation goes to {'what is asked for' if told.activate_to == 'demand' else 'the minimum, or 1'}"
    if told.fallback:
        yield "the fallback: a source cannot be read, and its figure stands in"
    if told.last_active is not None:
        yield f"last active {sentences.ago(told.now - told.last_active)}"
    yield f"checked {sentences.ago(told.now - told.evaluated)}, at {to_rfc3339(told.evaluated)}"


# -- the cluster's ---------------------------------------------------------------------------------------------


def _target(seen: Reconstruction) -> Iterable[str]:
    running = "" if seen.running is None else f", {seen.running} pods"
    idle = "" if seen.idle is None else f", idle at {seen.idle}"
    yield f"{seen.kind} {seen.target}{running}; {seen.minimum} to {seen.maximum} replicas{idle}"
    yield f"triggers: {', '.join(seen.triggers)}" + (f"; last active {seen.last_active}" if seen.last_active else "")


def _metrics(seen: Reconstruction) -> Table:
    heads = ("metric", "now", "target", "asks for")
    table = terminal.table(*heads, wrap=heads)
    for one in seen.metrics:
        each = " each" if one.metric_type == "AverageValue" else ""
        table.add_row(one.name, one.current or "none", one.target + each, "" if one.asks is None else str(one.asks))
    return table


def _hpa_seen(seen: Reconstruction) -> Iterable[str]:
    if not seen.hpa:
        yield "there is none"
        return
    yield f"{seen.hpa} wants {seen.desired}"
    for one in seen.hpa_conditions:
        yield f"{one.type}={one.status} {one.reason}: {one.message}"


def _conditions(out: Console, seen: Reconstruction) -> None:
    if seen.conditions:
        out.print(Text("Conditions", style="bold"))
    for one in seen.conditions:
        line = Text("  ")
        line.append(f"{one.type}={one.status}", style=_STATUS.get(one.status, ""))
        line.append(f" {one.reason}" + (f": {one.message}" if one.message else ""))
        out.print(line, soft_wrap=True)


def _times(count: int) -> str:
    return f" ({count} times)" if count > 1 else ""


# -- both ------------------------------------------------------------------------------------------------------


def _lines(out: Console, head: str, lines: Iterable[str]) -> None:
    told = list(lines)
    if told:
        out.print(Text(head, style="bold"))
    for line in told:
        out.print(Text(f"  {line}"), soft_wrap=True)
