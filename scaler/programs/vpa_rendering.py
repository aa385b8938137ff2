"""The explanation of a VerticalPodAutoscaler on a terminal: the answer first, then how it came about."""

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from scaler.clock import to_rfc3339
from scaler.drawing import terminal
from scaler.programs.explain_vpa import PodWhy, VpaExplanation
from scaler.vertical.amounts import Amounts
from scaler.vertical.explain import Cause, ContainerWhy, ResourceWhy
from scaler.vertical.status import cpu_quantity, humanized_quantity

_CAUSES: dict[Cause, str] = {
    "usage": "its usage",
    "minimum": "the minimum",
    "oom-floor": "a kill for memory",
    "rounding": "rounding",
    "minAllowed": "minAllowed of its policy",
    "maxAllowed": "maxAllowed of its policy",
    "largest-node": "the largest node",
}
_MOVES = {"": "stays", "resize": "is to be resized", "evict": "is to be evicted", "unboost": "loses its boost"}


def explanation(told: VpaExplanation, out: Console) -> None:
    """All of it."""
    out.print(Text(headline(told), style="bold"), soft_wrap=True)
    for line in _caveats(told):
        out.print(Text(line, style="yellow"), soft_wrap=True)
    for container in told.containers:
        out.print()
        _container(container, out)
    if told.pods:
        out.print()
        _pods(told.pods, out)
    out.print()
    for one in told.conditions:
        about = ": ".join(part for part in (one.reason, one.message) if part)
        out.print(f"{one.type} is {one.status}" + (f" ({about})" if about else ""), soft_wrap=True)


def headline(told: VpaExplanation) -> str:
    """The answer in one sentence."""
    sized = [one for one in told.containers if one.resources]
    if not sized:
        return f"{told.name} recommends nothing for {told.target} yet: no usage of its containers has been kept."
    amounts = "; ".join(f"{one.name} {_targets(one)}" for one in sized)
    return f"{told.name} recommends for {told.target}: {amounts}."


def _targets(container: ContainerWhy) -> str:
    return " and ".join(
        f"{spelt(why, why.steps[-1].target)} {why.resource} by {_CAUSES[why.cause]}" for why in container.resources
    )


def _caveats(told: VpaExplanation) -> Iterable[str]:
    if told.trouble:
        yield told.trouble
    if told.checkpointed:
        yield (
            f"From checkpoints of {told.checkpointed} and the recommender's default flags; the memory peak of the "
            "day that runs is not in them."
        )


def _container(container: ContainerWhy, out: Console) -> None:
    out.print(Text(f"Container {container.name}", style="bold"))
    if container.problem:
        out.print(f"  its checkpoint does not count: {container.problem}", soft_wrap=True)
        return
    if container.off:
        out.print("  not sized: its policy's mode is Off")
    if container.first is not None and container.last is not None:
        out.print(
            f"  {container.samples:,} samples from {to_rfc3339(container.first)} to {to_rfc3339(container.last)}: "
            f"a confidence of {container.confidence:.3g} days",
            soft_wrap=True,
        )
    for why in container.resources:
        _resource(why, out)


def _resource(why: ResourceWhy, out: Console) -> None:
    heads = (why.resource, "lower", "target", "upper")
    table = terminal.table(*heads, numbers=heads[1:], wrap=heads[:1])
    for step in why.steps:
        table.add_row(f"  {step.what}", *(spelt(why, amount) for amount in (step.lower, step.target, step.upper)))
    if why.standing is not None and why.standing != why.steps[-1].target:
        table.add_row("  in the status now", "", spelt(why, why.standing), "", style="yellow")
    out.print(table)


def _pods(pods: Iterable[PodWhy], out: Console) -> None:
    heads = ("pod", "requests", "now", "why")
    table = terminal.table(*heads, wrap=("requests", "why"))
    for pod in pods:
        requests = "; ".join(f"{name} {_requested(amounts)}" for name, amounts in pod.requests.items())
        reasons = "; ".join(reason.message for reason in pod.reasons)
        table.add_row(pod.name, requests, _MOVES.get(pod.move, pod.move), reasons)
    out.print(table)


def _requested(amounts: Amounts) -> str:
    cpu, memory = amounts.get("cpu"), amounts.get("memory")
    parts = ([cpu_quantity(cpu)] if cpu is not None else []) + (
        [humanized_quantity(memory)] if memory is not None else []
    )
    return " ".join(parts) or "nothing"


def spelt(why: ResourceWhy, amount: int) -> str:
    """An amount as a person reads it."""
    return cpu_quantity(amount) if why.resource == "cpu" else humanized_quantity(amount)
