"""The rules of a VerticalPodAutoscaler that no schema can say: what is refused, and what is only remarked on.

Source: upstream's admission controller. A feature whose gate is closed there may be used here; a gate is an argument
nevertheless, so that upstream's own cases can be played. Beyond upstream, bounds and boosts must not be negative, and
our own annotations have few values.
"""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Final, Literal

from scaler.api import verticalpodautoscaler as api
from scaler.api.disruption_budgets import budgets_of
from scaler.api.meta import ObjectMeta
from scaler.api.verticalpodautoscaler import ContainerPolicy, CpuBoost, Quantity, StartupBoost, VerticalPodAutoscaler
from scaler.clock import seconds
from scaler.errors import Invalid, Problem
from scaler.quantity import exact_quantity

Feature = Literal["CPUStartupBoost", "InPlace", "PerVPAConfig"]
FEATURES: Final = frozenset[Feature]({"CPUStartupBoost", "InPlace", "PerVPAConfig"})
"""Upstream's gates, all open here."""

RESOURCES = ("cpu", "memory")
_STEPS = {
    "cpu": (Fraction(1, 1000), "whole millicores, as in 250m"),
    "memory": (Fraction(1), "whole bytes, as in 64Mi"),
}
_CHOICES = {
    api.LIMITS: ("ratio", "equal", "no-cpu"),
    api.INIT_CONTAINERS: ("none", "sidecars", "all"),
    api.FIT_NODE: ("true", "false"),
}
_AMOUNTS = {api.MINIMUM_CPU: "cpu", api.MINIMUM_MEMORY: "memory"}
_POLICIES = "spec.resourcePolicy.containerPolicies"


def refusals(
    vpa: VerticalPodAutoscaler, old: VerticalPodAutoscaler | None = None, features: frozenset[Feature] = FEATURES
) -> list[Problem]:
    """Everything wrong with it by itself; `old` is what it replaces, None for a new one.

    What `old` had already of closed features and of resources that nobody sizes is let through.
    """
    return [
        *_target(vpa, old),
        *_update_policy(vpa),
        *_recommenders(vpa),
        *_boost(vpa.spec.startup_boost, "spec.startupBoost"),
        *(problem for path, policy in _policies(vpa) for problem in _policy(policy, path, _sized(old))),
        *_closed(vpa, features | used_features(old)),
        *_annotations(vpa.metadata),
    ]


def warnings(vpa: VerticalPodAutoscaler, old: VerticalPodAutoscaler | None = None) -> list[Problem]:
    """What is accepted and does not do what it seems to."""
    return [
        *_deprecated(vpa),
        *(problem for path, policy in _policies(vpa) for problem in _tolerated(policy, path, _sized(old))),
        *_repeated(vpa),
        *_ineffective(vpa),
    ]


def used_features(vpa: VerticalPodAutoscaler | None) -> frozenset[Feature]:
    """The features that the object uses, whether upstream's gate for them is open or not."""
    if vpa is None:
        return frozenset()
    policies, update = vpa.spec.resource_policy.container_policies, vpa.spec.update_policy
    found: dict[Feature, bool] = {
        "CPUStartupBoost": vpa.spec.boosts,
        "InPlace": vpa.spec.update_mode == "InPlace",
        "PerVPAConfig": (update is not None and update.evict_after_oom_seconds is not None)
        or any(map(_tuned, policies)),
    }
    return frozenset(feature for feature, used in found.items() if used)


def neighbours(vpa: VerticalPodAutoscaler, others: Iterable[VerticalPodAutoscaler]) -> list[Problem]:
    """A warning for each other object of its namespace that sizes the same workload: one of them counts for a pod."""
    ref = vpa.spec.target_ref
    return [
        Problem(
            "spec.targetRef",
            f"{ref.kind} {ref.name} is sized by VerticalPodAutoscaler {other.metadata.name} already: "
            "of several, only the oldest counts",
            ref.name,
        )
        for other in others
        if ref is not None and other.metadata.name != vpa.metadata.name and _same_target(vpa, other)
    ]


def _same_target(one: VerticalPodAutoscaler, other: VerticalPodAutoscaler) -> bool:
    mine, theirs = one.spec.target_ref, other.spec.target_ref
    return mine is not None and theirs is not None and (mine.kind, mine.name) == (theirs.kind, theirs.name)


def _policies(vpa: VerticalPodAutoscaler) -> Iterator[tuple[str, ContainerPolicy]]:
    for index, policy in enumerate(vpa.spec.resource_policy.container_policies):
        yield f"{_POLICIES}[{index}]", policy


# -- refused ---------------------------------------------------------------------------------------------------


def _target(vpa: VerticalPodAutoscaler, old: VerticalPodAutoscaler | None) -> Iterator[Problem]:
    if vpa.spec.target_ref is None and old is None:
        yield Problem("spec.targetRef", "is required: kind and name of the workload whose pods are sized")


def _update_policy(vpa: VerticalPodAutoscaler) -> Iterator[Problem]:
    policy = vpa.spec.update_policy
    if policy is None:
        return
    if not policy.update_mode:
        message = "is required where there is an updatePolicy: Off, Initial, Recreate, InPlaceOrRecreate or InPlace"
        yield Problem("spec.updatePolicy.updateMode", message)
    if policy.min_replicas is not None and policy.min_replicas <= 0:
        message = f"{policy.min_replicas} is too few: write 1 or more"
        yield Problem("spec.updatePolicy.minReplicas", message, policy.min_replicas)


def _recommenders(vpa: VerticalPodAutoscaler) -> Iterator[Problem]:
    names = [recommender.name for recommender in vpa.spec.recommenders]
    if len(names) > 1:
        yield Problem("spec.recommenders", f"names {', '.join(names)}: only one can recommend")


def _policy(policy: ContainerPolicy, path: str, sized: frozenset[str]) -> Iterator[Problem]:
    if not policy.container_name:
        yield Problem(
            f"{path}.containerName", "is required: a container's name, or * for all without one of their own"
        )
    yield from _bounds(policy, path)
    for index, resource in enumerate(policy.controlled_resources or ()):
        if resource not in (*RESOURCES, *sized):
            message = f'"{resource}" cannot be sized: there are cpu and memory'
            yield Problem(f"{path}.controlledResources[{index}]", message, resource)
    if policy.mode == "Off" and policy.controlled_values == "RequestsAndLimits":
        message = "RequestsAndLimits contradicts mode Off, which leaves the container alone: remove one of them"
        yield Problem(f"{path}.controlledValues", message, policy.controlled_values)
    yield from _at_least(policy.oom_bump_up_ratio, f"{path}.oomBumpUpRatio", 1)
    yield from _at_least(policy.oom_min_bump_up, f"{path}.oomMinBumpUp", 0)
    yield from _boost(policy.startup_boost, f"{path}.startupBoost")


def _bounds(policy: ContainerPolicy, path: str) -> Iterator[Problem]:
    for name, bounds in (("minAllowed", policy.min_allowed), ("maxAllowed", policy.max_allowed)):
        for resource, amount in bounds.items():
            yield from _amount(amount, resource, f"{path}.{name}.{resource}")
    for resource, least in policy.min_allowed.items():
        lower, upper = _exact(least), _exact(policy.max_allowed.get(resource))
        if lower is not None and upper is not None and lower > upper:
            message = (
                f"{least} is above maxAllowed.{resource} {policy.max_allowed[resource]}: it must be at most that"
            )
            yield Problem(f"{path}.minAllowed.{resource}", message, least)


def _amount(amount: Quantity, resource: str, path: str) -> Iterator[Problem]:
    exact = _exact(amount)
    step, words = _STEPS.get(resource, (None, ""))
    if exact is None:
        yield Problem(path, f'"{amount}" is no quantity such as 250m or 64Mi', amount)
    elif exact < 0:
        yield Problem(path, f"{amount} is negative: write 0 or more", amount)
    elif step is not None and (exact / step).denominator != 1:
        yield Problem(path, f"{amount} is too fine: write {words}", amount)


def _at_least(amount: Quantity | None, path: str, least: int) -> Iterator[Problem]:
    if amount is None:
        return
    exact = _exact(amount)
    if exact is None:
        yield Problem(path, f'"{amount}" is no quantity such as 1.5 or 64Mi', amount)
    elif exact < least:
        yield Problem(path, f"{amount} is less than {least}: write {least} or more", amount)


def _boost(boost: StartupBoost | None, path: str) -> Iterator[Problem]:
    if boost is None or boost.cpu is None:
        return
    cpu, here = boost.cpu, f"{path}.cpu"
    if not cpu.type:
        yield Problem(f"{here}.type", "is empty: write Factor or Quantity", cpu.type)
    elif cpu.type == "Factor":
        yield from _factor(cpu, here)
    elif cpu.quantity is None:
        yield Problem(f"{here}.quantity", "is required beside type Quantity: how much more cpu")
    else:
        yield from _amount(cpu.quantity, "cpu", f"{here}.quantity")


def _factor(cpu: CpuBoost, path: str) -> Iterator[Problem]:
    if cpu.factor is None:
        yield Problem(f"{path}.factor", "is required beside type Factor: how many times the request")
    elif cpu.factor < 1:
        yield Problem(f"{path}.factor", f"{cpu.factor} would make it less: write 1 or more", cpu.factor)


def _closed(vpa: VerticalPodAutoscaler, features: frozenset[Feature]) -> Iterator[Problem]:
    for feature in sorted(used_features(vpa) - features):
        yield Problem("spec", f"uses {feature}, whose feature gate is closed")


def _annotations(metadata: ObjectMeta) -> Iterator[Problem]:
    for key, choices in _CHOICES.items():
        text = metadata.annotations.get(key)
        if text is not None and text not in choices:
            message = f'"{text}" is none of {", ".join(choices)}'
            yield Problem(f"metadata.annotations[{key}]", message, text)
    for key, resource in _AMOUNTS.items():
        if key in metadata.annotations:
            yield from _amount(metadata.annotations[key], resource, f"metadata.annotations[{key}]")
    yield from _duration(metadata, api.OOM_FLOOR)
    yield from _duration(metadata, api.RESIZE_PENDING_PERIOD)
    yield from _budgets(metadata)


def _budgets(metadata: ObjectMeta) -> tuple[Problem, ...]:
    key = api.DISRUPTION_BUDGETS
    try:
        budgets_of(metadata.annotations.get(key, ""), f"metadata.annotations[{key}]")
    except Invalid as wrong:
        return wrong.problems
    return ()


def _duration(metadata: ObjectMeta, key: str) -> Iterator[Problem]:
    text = metadata.annotations.get(key)
    try:
        seconds(text or "0")
    except ValueError as error:
        yield Problem(f"metadata.annotations[{key}]", str(error), text)


# -- remarked on -----------------------------------------------------------------------------------------------


def _deprecated(vpa: VerticalPodAutoscaler) -> Iterator[Problem]:
    if vpa.spec.update_mode == "Auto":
        message = "Auto is an old name of Recreate: write Recreate, or InPlaceOrRecreate to resize before evicting"
        yield Problem("spec.updatePolicy.updateMode", message, "Auto")


def _tolerated(policy: ContainerPolicy, path: str, sized: frozenset[str]) -> Iterator[Problem]:
    for index, resource in enumerate(policy.controlled_resources or ()):
        if resource in sized - set(RESOURCES):
            message = f'"{resource}" is not sized and does nothing: there are cpu and memory'
            yield Problem(f"{path}.controlledResources[{index}]", message, resource)


def _repeated(vpa: VerticalPodAutoscaler) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for path, policy in _policies(vpa):
        name = policy.container_name
        if name and first.setdefault(name, path) != path:
            counts = "this one counts" if name == api.ALL_CONTAINERS else "the first one counts"
            yield Problem(f"{path}.containerName", f'"{name}" has a policy at {first[name]} already: {counts}', name)


def _ineffective(vpa: VerticalPodAutoscaler) -> Iterator[Problem]:
    policy = vpa.spec.update_policy
    for index, requirement in enumerate(policy.eviction_requirements if policy else ()):
        if not set(requirement.resources) & set(RESOURCES):
            path = f"spec.updatePolicy.evictionRequirements[{index}].resources"
            yield Problem(path, "names neither cpu nor memory, so it is never met and no pod is moved")


# -- what is read of an object ---------------------------------------------------------------------------------


def _sized(vpa: VerticalPodAutoscaler | None) -> frozenset[str]:
    """Every resource that some policy of the object names."""
    policies: Sequence[ContainerPolicy] = vpa.spec.resource_policy.container_policies if vpa else ()
    return frozenset(name for policy in policies for name in policy.controlled_resources or ())


def _tuned(policy: ContainerPolicy) -> bool:
    own = (
        policy.oom_bump_up_ratio,
        policy.oom_min_bump_up,
        policy.memory_aggregation_interval_seconds,
        policy.memory_aggregation_interval_count,
    )
    return any(value is not None for value in own)


def _exact(amount: Quantity | None) -> Fraction | None:
    """The amount; None for none, and for one that cannot be read."""
    try:
        return None if amount is None else exact_quantity(amount)
    except ValueError:
        return None
