"""How the usage of one VerticalPodAutoscaler's pods is counted and sized, as plain numbers.

Where the object says nothing, a recommender's defaults hold. It is read once a change of the object, and judges
nothing.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, get_args

import msgspec

from scaler.api import verticalpodautoscaler as api
from scaler.api.verticalpodautoscaler import ContainerPolicy, VerticalPodAutoscaler
from scaler.clock import seconds
from scaler.errors import Invalid, Problem
from scaler.quantity import parse_quantity
from scaler.vertical.amounts import Amounts, Resource
from scaler.vertical.estimation import MIB, Estimation
from scaler.vertical.pods import InitContainers
from scaler.vertical.quantities import amount_of, whole_bytes
from scaler.vertical.sizing import Rounding
from scaler.vertical.usage import MemoryRules

_POLICIES = "spec.resourcePolicy.containerPolicies"
_PREFIX = f"{api.POST_PROCESSOR}/"
T = TypeVar("T")


class Defaults(msgspec.Struct, frozen=True):
    """What a recommender does where an object says nothing; the defaults are upstream's."""

    estimation: Estimation = Estimation()
    memory: MemoryRules = MemoryRules()
    rounding: Rounding = Rounding()
    max_allowed: Amounts = {}
    """For resources that a container's policy sets no maximum for."""
    oom_floor: float = 0.0
    """Seconds for which a container killed for memory is not sized below what it was then thought to need."""
    fit_node: bool = False
    """Pods are not sized beyond the largest node."""


class ContainerTerms(msgspec.Struct, frozen=True, gc=False):
    """How one container is sized."""

    off: bool = False
    """It is not."""
    controlled: tuple[bool, bool] = (True, True)
    """Whether cpu and memory are sized."""
    min_allowed: tuple[int, int] = (0, 0)
    max_allowed: tuple[int, int] = (0, 0)
    """Millicores and bytes; 0 bounds nothing."""
    whole_cores: bool = False
    memory: MemoryRules = MemoryRules()


class Terms(msgspec.Struct, frozen=True):
    """What one object says."""

    containers: Mapping[str, ContainerTerms] = {}
    """By name, of those with a policy of their own; or with whole cores."""
    others: ContainerTerms = ContainerTerms()
    minimum: tuple[float, float] = (25.0, 250.0)
    """Millicores and MiB of a pod, shared by its containers."""
    init_containers: InitContainers = "none"
    oom_floor: float = 0.0
    fit_node: bool = False

    def of(self, container: str) -> ContainerTerms:
        """How that container is sized."""
        return self.containers.get(container, self.others)


def terms_of(vpa: VerticalPodAutoscaler, defaults: Defaults) -> Terms:
    """What the object says; Invalid names every quantity that is none."""
    annotations = vpa.metadata.annotations
    problems: list[Problem] = []
    whole = {_whole_cores_of(name) for name, value in annotations.items() if value == "true"} - {""}
    named = {policy.container_name for policy in vpa.spec.resource_policy.container_policies} | whole
    containers = {
        name: _container(vpa.spec.policy(name), defaults, problems, whole_cores=name in whole)
        for name in named - {api.ALL_CONTAINERS, ""}
    }
    terms = Terms(
        containers=containers,
        others=_container(vpa.spec.policy(""), defaults, problems, whole_cores=False),
        minimum=_minimum(annotations, defaults.estimation, problems),
        init_containers=_chosen(annotations.get(api.INIT_CONTAINERS), InitContainers, "none"),
        oom_floor=_oom_floor(annotations, defaults.oom_floor, problems),
        fit_node=_truth(annotations.get(api.FIT_NODE), defaults.fit_node),
    )
    if problems:
        raise Invalid(problems)
    return terms


def _whole_cores_of(annotation: str) -> str:
    return enclosed(annotation, _PREFIX, api.INTEGER_CPU)


def enclosed(text: str, prefix: str, suffix: str) -> str:
    """What stands between a prefix and a suffix; empty where they are not there."""
    if len(text) < len(prefix) + len(suffix) or not (text.startswith(prefix) and text.endswith(suffix)):
        return ""
    return text[len(prefix) : len(text) - len(suffix)]


def _container(
    policy: ContainerPolicy | None, defaults: Defaults, problems: list[Problem], *, whole_cores: bool
) -> ContainerTerms:
    policy = policy or ContainerPolicy()
    at = f"{_POLICIES}[{policy.container_name}]"
    named = policy.controlled_resources
    return ContainerTerms(
        off=policy.mode == "Off",
        controlled=(True, True) if named is None else ("cpu" in named, "memory" in named),
        min_allowed=_pair(policy.min_allowed, {}, f"{at}.minAllowed", problems),
        max_allowed=_pair(policy.max_allowed, defaults.max_allowed, f"{at}.maxAllowed", problems),
        whole_cores=whole_cores,
        memory=_memory(policy, defaults.memory, at, problems),
    )


def _pair(said: api.Resources, otherwise: Amounts, path: str, problems: list[Problem]) -> tuple[int, int]:
    def one(resource: Resource) -> int:
        if resource not in said:
            return otherwise.get(resource, 0)
        return _read(lambda: amount_of(resource, said[resource]), f"{path}.{resource}", problems, 0)

    return one("cpu"), one("memory")


def _memory(policy: ContainerPolicy, defaults: MemoryRules, at: str, problems: list[Problem]) -> MemoryRules:
    ratio, bump = policy.oom_bump_up_ratio, policy.oom_min_bump_up
    return MemoryRules(
        interval=float(policy.memory_aggregation_interval_seconds or defaults.interval),
        intervals=policy.memory_aggregation_interval_count or defaults.intervals,
        oom_ratio=defaults.oom_ratio
        if ratio is None
        else _read(lambda: parse_quantity(ratio), f"{at}.oomBumpUpRatio", problems, defaults.oom_ratio),
        oom_bump=defaults.oom_bump
        if bump is None
        else _read(lambda: whole_bytes(bump), f"{at}.oomMinBumpUp", problems, defaults.oom_bump),
    )


def _minimum(annotations: Mapping[str, str], defaults: Estimation, problems: list[Problem]) -> tuple[float, float]:
    cpu, memory = annotations.get(api.MINIMUM_CPU), annotations.get(api.MINIMUM_MEMORY)
    return (
        defaults.minimum_cpu
        if cpu is None
        else _read(lambda: float(amount_of("cpu", cpu)), _annotation(api.MINIMUM_CPU), problems, 0.0),
        defaults.minimum_memory
        if memory is None
        else _read(lambda: whole_bytes(memory) / MIB, _annotation(api.MINIMUM_MEMORY), problems, 0.0),
    )


def _oom_floor(annotations: Mapping[str, str], default: float, problems: list[Problem]) -> float:
    text = annotations.get(api.OOM_FLOOR)
    if text is None:
        return default
    return _read(lambda: seconds(text), _annotation(api.OOM_FLOOR), problems, default)


def _read(read: Callable[[], T], path: str, problems: list[Problem], otherwise: T) -> T:
    try:
        return read()
    except ValueError as error:
        problems.append(Problem(path, str(error)))
        return otherwise


def _annotation(key: str) -> str:
    return f"metadata.annotations[{key}]"


def _chosen(value: str | None, choices: Any, default: Any) -> Any:
    return value if value in get_args(choices) else default


def _truth(value: str | None, default: bool) -> bool:
    return {"true": True, "false": False}.get(value or "", default)
