"""The first lines of an explanation: why there are as many replicas as there are, and what would change it. Pure."""

from scaler.horizontal.explain import Explanation, MetricLine, TriggerLine
from scaler.horizontal.outlook import Change
from scaler.programs.reconstruction import MetricSeen, Reconstruction


def headline(told: Explanation) -> str:
    """The answer in one sentence."""
    target = told.target
    if target.replicas is None:
        return f"{target.name}: {_ended(told.decision.message)}"
    begin = f"{target.name} runs {target.replicas}"
    if _hpa_decides(told):
        return f"{begin}{_because(told, target.replicas)}."
    return f"{begin}: {_ended(told.decision.message)}"


def _hpa_decides(told: Explanation) -> bool:
    """Between one and the maximum it is the HPA's arithmetic that matters; elsewhere the decision of the check."""
    moving = told.decision.rule in {"active", "activate", "partial-error"}
    return moving and bool(told.target.replicas) and told.hpa.asked is not None


def _because(told: Explanation, replicas: int) -> str:
    hpa = told.hpa
    winner = next(metric for metric in hpa.metrics if metric.metric == hpa.winner)
    why = f"{_trigger(told, winner)} asks for {hpa.asked}: {arithmetic(winner, replicas)}"
    if hpa.desired == replicas:
        bounds = "" if hpa.asked == replicas else f", which the bounds {hpa.minimum} to {hpa.maximum} make {replicas}"
        return f", because {why}{bounds}"
    if hpa.desired is None:
        return f"; {why}"
    pace = (
        "the HPA itself has not moved yet" if hpa.own in {None, replicas} else f"the HPA itself wants {hpa.own} now"
    )
    return f" and should run {hpa.desired}, because {why}; {pace}"


def _trigger(told: Explanation, metric: MetricLine) -> str:
    if metric.metric == "composite-metric":
        return "the formula"
    line = next((line for line in told.triggers if line.metric == metric.metric), None)
    if line is None:
        return metric.metric
    return f"trigger {line.name or line.index} ({line.type})"


def arithmetic(metric: MetricLine, replicas: int) -> str:
    """How the HPA comes from a value to replicas."""
    value, target = number(metric.value), number(metric.target)
    instead = " (the fallback's)" if metric.fallback else ""
    if metric.within_tolerance and metric.metric_type != "Value":
        asks = number(round((metric.value or 0.0) / metric.target, 2)) if metric.target else "?"
        return f"{value}{instead} / {target} each is {asks}, and {replicas} is near enough"
    if metric.within_tolerance:
        return f"{value}{instead} is near enough to {target}"
    if metric.metric_type == "Value":
        return f"{value}{instead} of {target}, times the {replicas} there are"
    return f"{value}{instead} / {target} each"


def outlook(told: Explanation) -> str:
    """What blocks, and what comes next."""
    said = told.decision.message in told.blocks and not _hpa_decides(told)
    blocks = [block for block in told.blocks if not (said and block == told.decision.message)]
    nothing = "Nothing else blocks" if said else "Nothing blocks"
    blocked = f"Blocked: {_unended(blocks[0])}" if blocks else nothing
    more = f" (and {len(blocks) - 1} more below)" if len(blocks) > 1 else ""
    coming = "; ".join(change(one, told.now) for one in told.changes[:2])
    return f"{blocked}{more}. It would change: {coming}." if coming else f"{blocked}{more}."


def change(one: Change, now: float) -> str:
    """One of the things that would change it, with the time that is left."""
    if one.at is None:
        return _unended(one.what)
    left = one.at - now
    return f"{_unended(one.what)} ({'in ' + span(left) if left > 0.5 else 'now'})"


def shown(line: TriggerLine) -> str:
    """What one metric of a trigger showed."""
    if line.freshness == "error":
        return "error"
    if line.value is None:
        return "" if line.note else "not read yet"
    return number(line.value) + (" (assumed: no data)" if line.assumed else "")


def cluster_headline(seen: Reconstruction) -> str:
    """The answer as far as the cluster gives it."""
    runs = "has no known number of replicas" if seen.replicas is None else f"runs {seen.replicas}"
    begin = f"{seen.target} {runs}"
    if seen.annotations:
        return (
            f"{begin}: scaling is paused by {', '.join(f'{key}={value}' for key, value in seen.annotations.items())}."
        )
    if not seen.conditions:
        return f"{begin}: no operator has looked at {seen.name} yet."
    not_ready = next((one for one in seen.conditions if one.type == "Ready" and one.status != "True"), None)
    if not_ready is not None and not_ready.message:
        return f"{begin}: {_ended(not_ready.message)}"
    most = max((one for one in seen.metrics if one.asks is not None), key=lambda one: one.asks or 0, default=None)
    if seen.replicas and most is not None:
        return f"{begin}; its HPA wants {seen.desired}: {_asks(most)}."
    active = next((one for one in seen.conditions if one.type == "Active"), None)
    return f"{begin}: {_ended(active.message)}" if active is not None and active.message else f"{begin}."


def _asks(metric: MetricSeen) -> str:
    each = " each" if metric.metric_type == "AverageValue" else ""
    return f"{metric.name} asks for {metric.asks}, at {metric.current} of {metric.target}{each}"


def cluster_caveat(seen: Reconstruction) -> str:
    """What this answer is worth."""
    return (
        f"This is put together from the cluster alone, because the operator gave no explanation: {_ended(seen.why)} "
        "What each trigger shows and why it was decided so is not in it."
    )


def number(value: float | None) -> str:
    """A figure without the noise of floats."""
    return "?" if value is None else f"{value:.10g}"


def ago(seconds: float) -> str:
    """How long ago something was."""
    return "just now" if seconds < 1 else f"{span(seconds)} ago"


def span(seconds: float) -> str:
    """A time span for a person: ``45 s``, ``2 min 5 s``, ``3 h 10 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min" + (f" {whole % 60} s" if whole % 60 else "")
    return f"{whole // 3600} h" + (f" {whole % 3600 // 60} min" if whole % 3600 // 60 else "")


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."


def _unended(sentence: str) -> str:
    return sentence.removesuffix(".")
