"""PromQL for what containers use, request and suffer, with today's labels of kubelet and kube-state-metrics.

    container_cpu_usage_seconds_total      kubelet: cAdvisor, or /metrics/resource
    container_memory_working_set_bytes     the same
    kube_pod_owner, kube_replicaset_owner, kube_job_owner            kube-state-metrics: whose pod it is
    kube_pod_container_resource_requests, ..._limits                 what it asks for, in cores and bytes
    kube_pod_container_status_restarts_total, ..._last_terminated_reason

One container may have several series (two jobs scrape one kubelet; a restart begins a new one), so the highest of
each container is taken, never the sum. `image` is not looked at: /metrics/resource has none.
"""

import json
import re
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from scaler.history.answers import Labels

PAUSE = "POD"
"""What older kubelets call the container that holds a pod's network."""
STATE = ("namespace", "pod", "container")
"""Labels of kube-state-metrics."""
EXPORTED = "exported_"
"""Before them where Prometheus is not told to honour them: then they are the scraper's own."""


class Container(NamedTuple):
    """A container of one pod."""

    namespace: str
    pod: str
    container: str


class Names(msgspec.Struct, frozen=True):
    """What the metrics and labels are called; the defaults are today's."""

    cpu: str = "container_cpu_usage_seconds_total"
    memory: str = "container_memory_working_set_bytes"
    namespace: str = "namespace"
    pod: str = "pod"
    container: str = "container"
    job: str = ""
    """Only series of this job; of any when empty."""
    matchers: str = ""
    """More that every series must match, as in ``cluster="prod"``: one server may hold many clusters."""

    @property
    def labels(self) -> str:
        """What tells containers apart, for ``by``."""
        return f"{self.namespace}, {self.pod}, {self.container}"

    def usage(self, metric: str, namespaces: Sequence[str] = (), pods: Sequence[str] = ()) -> str:
        """A selector of containers' series."""
        wanted = [f'{self.container}!=""', f'{self.container}!="{PAUSE}"', f'{self.pod}!=""']
        wanted += [f'job="{self.job}"'] if self.job else []
        wanted += [_any(self.namespace, namespaces)] if namespaces else []
        wanted += [_any(self.pod, pods)] if pods else []
        return f"{metric}{{{', '.join([*wanted, *self.more])}}}"

    def state(self, metric: str, *wanted: str) -> str:
        """A selector of kube-state-metrics' series."""
        return f"{metric}{{{', '.join([*wanted, *self.more])}}}"

    @property
    def more(self) -> list[str]:
        return [self.matchers] if self.matchers else []

    def place(self, labels: Labels) -> Container:
        """Whose usage it is."""
        return Container(labels.get(self.namespace, ""), labels.get(self.pod, ""), labels.get(self.container, ""))


def _any(label: str, values: Sequence[str]) -> str:
    if len(values) == 1:
        return f"{label}={json.dumps(values[0])}"
    return f"{label}=~{json.dumps('|'.join(map(re.escape, values)))}"


def cpu(names: Names, namespaces: Sequence[str], pods: Sequence[str], span: float) -> str:
    """Cores of each container, the mean over `span` seconds; of all where none are named."""
    rate = f"rate({names.usage(names.cpu, namespaces, pods)}[{seconds(span)}])"
    return f"max by ({names.labels}) ({rate})"


def memory(names: Names, namespaces: Sequence[str], pods: Sequence[str], span: float) -> str:
    """Bytes of each container, the most within `span` seconds; of all where none are named."""
    most = f"max_over_time({names.usage(names.memory, namespaces, pods)}[{seconds(span)}])"
    return f"max by ({names.labels}) ({most})"


def scrapes(names: Names, span: float) -> str:
    """How often a usual container was looked at within `span` seconds."""
    return f"quantile(0.5, count_over_time({names.usage(names.memory)}[{seconds(span)}]))"


def amounts(names: Names, metric: str) -> str:
    """Requests or limits of each container, by resource."""
    series = names.state(metric, 'resource=~"cpu|memory"')
    return f"max by ({by_state('resource')}) (last_over_time({series}[10m]))"


def replicas(names: Names) -> str:
    """How many replicas each Deployment asks for."""
    return f"max by ({by_state('deployment')}) (last_over_time({names.state('kube_deployment_spec_replicas')}[10m]))"


def kills(names: Names, span: float) -> str:
    """Containers that were restarted within `span` seconds, whose last end was for want of memory."""
    labels = by_state()
    restarts = f"increase({names.state('kube_pod_container_status_restarts_total')}[{seconds(span)}])"
    reason = names.state("kube_pod_container_status_last_terminated_reason", 'reason="OOMKilled"')
    return f"(max by ({labels}) ({restarts}) > 0) and on ({labels}) (max by ({labels}) ({reason}) == 1)"


def throttled(names: Names, span: float) -> str:
    """The share of its periods in which each container was held back by its CPU limit."""
    held, periods = (
        f"sum by ({names.labels}) (increase({names.usage(f'container_cpu_cfs_{what}_total')}[{seconds(span)}]))"
        for what in ("throttled_periods", "periods")
    )
    return f"{held} / {periods}"


def seconds(span: float) -> str:
    """A length of time as PromQL has it."""
    return f"{round(span)}s"


def by_state(*more: str) -> str:
    """kube-state-metrics' labels, whether or not they were honoured."""
    return ", ".join([*STATE, *more, *(EXPORTED + name for name in (*STATE, *more))])


def stated(labels: Labels, name: str) -> str:
    """A label that may have been renamed because it was not honoured."""
    return labels.get(EXPORTED + name) or labels.get(name, "")


def state_place(labels: Labels) -> Container:
    """Which container kube-state-metrics speaks of."""
    return Container(*(stated(labels, name) for name in STATE))
