"""What the readings ask for: value / target for each metric, who asks for most, and what the bounds make of it.

It explains and gives the number that activation may go to; between 1 and N the HPA decides.
"""

from scaler.horizontal import arithmetic
from scaler.horizontal.answer import Answers
from scaler.horizontal.modifiers import composite_spec
from scaler.horizontal.readings import MetricSpec, Scale, Step, Subject


def asks(subject: Subject, answers: Answers, scale: Scale) -> list[tuple[str, int]]:
    """The replicas each metric with a value asks for, tolerance and bounds aside."""
    found = []
    for spec in specs(subject):
        told = answers.metrics.get(spec.name)
        if told is not None and told.value is not None:
            found.append((spec.name, arithmetic.needed(spec, told.value, scale.replicas)))
    return found


def specs(subject: Subject) -> list[MetricSpec]:
    """The external metrics the HPA asks for: the triggers' own, or the composite one in their place."""
    external = [spec for plan in subject.triggers for spec in plan.metrics]
    if external and subject.scaled.spec.advanced.scaling_modifiers.used:
        return [composite_spec(subject.scaled)]
    return external


def steps(subject: Subject, answers: Answers, scale: Scale) -> tuple[Step, ...]:
    """Value / target for each metric, who asks for most, and what the bounds make of it."""
    lines = [Step(spec.name, _line(spec, answers, scale)) for spec in specs(subject)]
    lines += [
        Step(plan.resource.resource, "the HPA reads it itself")
        for plan in subject.triggers
        if plan.resource is not None
    ]
    asked = asks(subject, answers, scale)
    if asked:
        name, most = max(asked, key=lambda ask: ask[1])
        spec = subject.scaled.spec
        low, high = spec.minimum or 1, spec.maximum
        lines.append(Step("most", f"{most}, by {name}"))
        lines.append(Step("bounds", f"between {low} and {high}: {min(max(most, low), high)}"))
    return tuple(lines)


def _line(spec: MetricSpec, answers: Answers, scale: Scale) -> str:
    told = answers.metrics.get(spec.name)
    if told is None or told.value is None:
        return f"no value: {told.error if told else 'not read'}"
    value = arithmetic.reported(told.value)
    times = f"{max(scale.replicas, 1)} x " if spec.metric_type == "Value" else ""
    line = f"{times}{value:.10g} / {spec.target:.10g} = {arithmetic.needed(spec, told.value, scale.replicas)}"
    if told.fallback:
        line += " (fallback)"
    if scale.replicas and arithmetic.within_tolerance(
        spec, told.value, scale.replicas, arithmetic.TOLERANCE, arithmetic.TOLERANCE
    ):
        line += f" (within the HPA's tolerance of {scale.replicas})"
    return line
