"""What is kept of objects that are not ours: a few fields each, so that tens of thousands fit. No rules here."""

import msgspec

from scaler.api.meta import Kind, Raw


class LeanMeta(Kind, frozen=True, gc=False):
    """The metadata of an object that is only looked at."""

    name: str = ""
    namespace: str = ""
    resource_version: str = ""
    labels: dict[str, str] = {}
    deletion_timestamp: str | None = None


class PodCondition(Kind, frozen=True, gc=False):
    """One condition of a pod."""

    type: str = ""
    status: str = ""


class PodSpec(Kind, frozen=True, gc=False):
    """Where a pod runs."""

    node_name: str = ""


class PodStatus(Kind, frozen=True, gc=False):
    """How a pod is."""

    phase: str = ""
    conditions: tuple[PodCondition, ...] | None = None


class Pod(Kind, frozen=True, gc=False):
    """A pod, as far as counting it needs."""

    metadata: LeanMeta = LeanMeta()
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()

    @property
    def phase(self) -> str:
        """Pending, Running, Succeeded, Failed or Unknown."""
        return self.status.phase

    @property
    def node_name(self) -> str:
        """Where it runs; empty before it is scheduled."""
        return self.spec.node_name

    @property
    def ready(self) -> bool:
        """Running, and its condition Ready is True."""
        return self.status.phase == "Running" and any(
            condition.type == "Ready" and condition.status == "True" for condition in self.status.conditions or ()
        )

    @property
    def finished(self) -> bool:
        """It ran to its end, well or badly."""
        return self.status.phase in {"Succeeded", "Failed"}


class WorkloadMeta(Kind, frozen=True, gc=False):
    """The metadata of a workload."""

    name: str = ""
    namespace: str = ""
    resource_version: str = ""


class WorkloadSpec(Kind, frozen=True, gc=False):
    """What a workload is asked to be."""

    replicas: int | None = None
    selector: Raw = {}
    """In its object form."""


class WorkloadStatus(Kind, frozen=True, gc=False):
    """What a workload is."""

    replicas: int = 0


class Workload(Kind, frozen=True, gc=False):
    """A Deployment or StatefulSet, as far as its scale goes."""

    metadata: WorkloadMeta = WorkloadMeta()
    spec: WorkloadSpec = WorkloadSpec()
    status: WorkloadStatus = WorkloadStatus()


class ScaleSpec(msgspec.Struct, frozen=True):
    """What a Scale asks for."""

    replicas: int = 0


class ScaleStatus(msgspec.Struct, frozen=True):
    """What a Scale has."""

    replicas: int = 0
    selector: str = ""


class ScaleView(msgspec.Struct, frozen=True):
    """autoscaling/v1 Scale, the subresource of whatever can be scaled."""

    spec: ScaleSpec = ScaleSpec()
    status: ScaleStatus = ScaleStatus()
