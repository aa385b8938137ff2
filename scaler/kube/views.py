"""What is kept of objects that are not ours: a few fields each, so that tens of thousands fit. No rules here."""

import msgspec

from scaler.api.meta import Kind


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
    conditions: tuple[PodCondition, ...] = ()


class Pod(Kind, frozen=True, gc=False):
    """A pod, as far as counting it needs."""

    metadata: LeanMeta = LeanMeta()
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()

    @property
    def ready(self) -> bool:
        """Running, and its condition Ready is True."""
        return self.status.phase == "Running" and any(
            condition.type == "Ready" and condition.status == "True" for condition in self.status.conditions
        )

    @property
    def finished(self) -> bool:
        """It ran to its end, well or badly."""
        return self.status.phase in {"Succeeded", "Failed"}


class Requirement(Kind, frozen=True, gc=False):
    """One of a label selector's matchExpressions."""

    key: str
    operator: str
    """In, NotIn, Exists or DoesNotExist."""
    values: tuple[str, ...] | None = None


class LabelSelector(Kind, frozen=True, gc=False):
    """metav1.LabelSelector."""

    match_labels: dict[str, str] | None = None
    match_expressions: tuple[Requirement, ...] | None = None

    def __str__(self) -> str:
        """The one-line form, as in the status of a Scale."""
        labels = [f"{key}={value}" for key, value in sorted((self.match_labels or {}).items())]
        return ",".join(labels + [_spelled(each) for each in self.match_expressions or ()])


def _spelled(requirement: Requirement) -> str:
    values = ",".join(sorted(requirement.values or ()))
    spellings = {
        "In": f"{requirement.key} in ({values})",
        "NotIn": f"{requirement.key} notin ({values})",
        "Exists": requirement.key,
    }
    return spellings.get(requirement.operator, f"!{requirement.key}")


class WorkloadMeta(Kind, frozen=True, gc=False):
    """The metadata of a workload."""

    name: str = ""
    namespace: str = ""
    resource_version: str = ""


class WorkloadSpec(Kind, frozen=True, gc=False):
    """What a workload is asked to be."""

    replicas: int | None = None
    selector: LabelSelector = LabelSelector()


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
