"""Scale on how many pods of another workload there are."""

from collections.abc import Hashable, Iterable

from scaler.api.selector import parse_selector
from scaler.errors import Problem
from scaler.triggers.connections import Connections
from scaler.triggers.contract import Trigger
from scaler.triggers.parameters import Activation, Parameters, Target

_ENDED = frozenset({"Succeeded", "Failed"})


class KubernetesWorkloadParameters(Parameters, frozen=True, kw_only=True):
    """Parameters of kubernetes-workload."""

    pod_selector: str
    """A label selector for pods of the object's own namespace, such as ``app=backend,tier in (a, b)``."""
    value: Target
    """Pods that one replica should stand for."""
    activation_value: Activation = 0
    """Above this many the workload is active."""
    group_by_node: bool = False
    """Count the nodes that they run on instead."""

    def problems(self) -> Iterable[Problem]:
        try:
            empty = not parse_selector(self.pod_selector).requirements
        except ValueError as error:
            yield self.complain("pod_selector", str(error))
        else:
            if empty:
                yield self.complain("pod_selector", "selects every pod: name at least one label")
        if self.value <= 0:
            yield self.complain("value", "must be more than 0")


class KubernetesWorkload(Trigger[KubernetesWorkloadParameters]):
    """Counts the pods that have not ended."""

    @property
    def metric(self) -> str:
        return f"workload-{self.context.namespace}"

    @property
    def place(self) -> str:
        return f"pods {self.parameters.pod_selector} in {self.context.namespace}"

    def source(self) -> Hashable:
        return (super().source(), self.context.namespace)

    async def read(self, io: Connections) -> float:
        pods = await io.cluster.pods(self.context.namespace, self.parameters.pod_selector)
        counted = [pod for pod in pods if pod.phase not in _ENDED]
        if self.parameters.group_by_node:
            return float(len({pod.node_name for pod in counted if pod.node_name}))
        return float(len(counted))
