"""From a VerticalPodAutoscaler as its user wrote it to the rules that its pods are sized by."""

from collections.abc import Mapping
from typing import Any, get_args

from scaler.api.disruption_budgets import Budget, budgets_of
from scaler.api.verticalpodautoscaler import (
    ALL_CONTAINERS,
    DISRUPTION_BUDGETS,
    INIT_CONTAINERS,
    LIMITS,
    RESIZE_PENDING_PERIOD,
    ContainerPolicy,
    ContainerRecommendation,
    PodRecommendation,
    StartupBoost,
    UpdateMode,
    UpdatePolicy,
    VerticalPodAutoscaler,
)
from scaler.clock import seconds
from scaler.errors import Invalid, Problem
from scaler.vertical.amounts import RESOURCES, Amounts, Bounds, Recommendation
from scaler.vertical.pods import InitContainers
from scaler.vertical.quantities import amounts_of, millicores
from scaler.vertical.rules import Boost, ContainerRules, LimitsPolicy, Mode, Requirement, Rules


def rules_of(vpa: VerticalPodAutoscaler) -> Rules:
    """The rules of one object; Invalid for a quantity that is none.

    A value of an annotation of ours that is none of the known ones counts as absent: validation has said so. Budgets
    and times that cannot be read keep all pods where they are.
    """
    spec, annotations = vpa.spec, vpa.metadata.annotations
    limits = _chosen(annotations.get(LIMITS), LimitsPolicy, "ratio")
    policies: dict[str, ContainerPolicy] = {}
    for policy in spec.resource_policy.container_policies:  # of a container's own the first counts, of * the last
        if policy.container_name == ALL_CONTAINERS or policy.container_name not in policies:
            policies[policy.container_name] = policy
    containers = {name: _container(policy, spec.startup_boost, limits) for name, policy in policies.items()}
    everyone = containers.pop(ALL_CONTAINERS, None)
    update = spec.update_policy
    budgets, pending_period, problem = _disruption(annotations)
    return Rules(
        namespace=vpa.metadata.namespace,
        name=vpa.metadata.name,
        mode=mode_of(spec.update_mode),
        containers=containers,
        others=everyone or ContainerRules(limits=limits, boost=_boost(spec.startup_boost)),
        recommendation=recommendation_of(vpa.status.recommendation),
        init_containers=_chosen(annotations.get(INIT_CONTAINERS), InitContainers, "none"),
        requirements=_requirements(update),
        min_replicas=update.min_replicas if update else None,
        quick_oom=update.evict_after_oom_seconds if update else None,
        pending_period=pending_period,
        budgets=budgets,
        problem=problem,
    )


def _requirements(update: UpdatePolicy | None) -> tuple[Requirement, ...]:
    found = update.eviction_requirements if update else ()
    return tuple(Requirement(one.resources, one.change_requirement) for one in found)


def _disruption(annotations: Mapping[str, str]) -> tuple[tuple[Budget, ...] | None, float | None, str]:
    budgets, period = annotations.get(DISRUPTION_BUDGETS), annotations.get(RESIZE_PENDING_PERIOD)
    try:
        return (
            None if budgets is None else budgets_of(budgets, f"metadata.annotations[{DISRUPTION_BUDGETS}]"),
            None if period is None else seconds(period),
            "",
        )
    except (Invalid, ValueError) as wrong:
        return None, None, str(wrong)


def mode_of(written: UpdateMode) -> Mode:
    """How a recommendation reaches pods."""
    return "Recreate" if written == "" or written == "Auto" else written  # noqa: PLR1714 - mypy follows equality


def recommendation_of(status: PodRecommendation | None) -> Recommendation | None:
    """The recommendation of a status in whole numbers; None while there is none."""
    if status is None:
        return None
    return {one.container_name: _bounds(one) for one in status.container_recommendations}


def _bounds(one: ContainerRecommendation) -> Bounds:
    at = f"status.recommendation[{one.container_name}]"
    return Bounds(
        _amounts(one.target, f"{at}.target"),
        _amounts(one.lower_bound, f"{at}.lowerBound"),
        _amounts(one.upper_bound, f"{at}.upperBound"),
        _amounts(one.uncapped_target, f"{at}.uncappedTarget"),
    )


def _container(policy: ContainerPolicy, boost: StartupBoost | None, limits: LimitsPolicy) -> ContainerRules:
    at = f"spec.resourcePolicy.containerPolicies[{policy.container_name}]"
    named = policy.controlled_resources
    return ContainerRules(
        off=policy.mode == "Off",
        minimum=_amounts(policy.min_allowed, f"{at}.minAllowed"),
        maximum=_amounts(policy.max_allowed, f"{at}.maxAllowed"),
        controlled=RESOURCES if named is None else tuple(each for each in RESOURCES if each in named),
        requests_only=policy.controlled_values == "RequestsOnly",
        limits=limits,
        boost=_boost(policy.startup_boost or boost),
    )


def _boost(boost: StartupBoost | None) -> Boost | None:
    if boost is None or boost.cpu is None:
        return None
    cpu = boost.cpu
    return Boost(
        cpu.type or "Factor",
        cpu.factor,
        None if cpu.quantity is None else millicores(cpu.quantity),
        float(cpu.duration_seconds or 0),
    )


def _amounts(quantities: Mapping[str, str | int | float], path: str) -> Amounts:
    try:
        return amounts_of(quantities)
    except ValueError as error:
        raise Invalid([Problem(path, str(error))]) from None


def _chosen(value: str | None, choices: Any, default: str) -> Any:
    return value if value in get_args(choices) else default
