"""A pod, as far as its usage goes: read from a watch in one pass, and small, since every pod of a cluster is kept."""

from scaler.api.meta import Kind
from scaler.vertical.oom import OOM_KILLED, Seen
from scaler.vertical.quantities import whole_bytes
from scaler.vertical.roster import Crew


class Requests(Kind, frozen=True, gc=False):
    """What a container requests."""

    memory: str | int | float | None = None
    cpu: str | int | float | None = None


class Resources(Kind, frozen=True, gc=False):
    """What a container has."""

    requests: Requests | None = None


class Container(Kind, frozen=True, gc=False):
    """A container of a pod's spec."""

    name: str = ""
    resources: Resources = Resources()
    restart_policy: str = ""
    """Always makes an init container a sidecar."""


class Terminated(Kind, frozen=True, gc=False):
    """How a container ended."""

    reason: str = ""
    finished_at: str | None = None


class Running(Kind, frozen=True, gc=False):
    """That a container runs."""


class State(Kind, frozen=True, gc=False):
    """What a container does."""

    running: Running | None = None
    terminated: Terminated | None = None


class ContainerStatus(Kind, frozen=True, gc=False):
    """What the kubelet reports of a container."""

    name: str = ""
    restart_count: int = 0
    state: State = State()
    last_state: State = State()
    resources: Resources | None = None


class Owner(Kind, frozen=True, gc=False):
    """Whose pod it is."""

    kind: str = ""
    name: str = ""
    controller: bool | None = None


class RunningMeta(Kind, frozen=True, gc=False):
    """The metadata of a pod."""

    name: str = ""
    namespace: str = ""
    resource_version: str = ""
    labels: dict[str, str] = {}
    owner_references: tuple[Owner, ...] = ()


class RunningSpec(Kind, frozen=True, gc=False):
    """The containers of a pod."""

    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] = ()


class RunningStatus(Kind, frozen=True, gc=False):
    """How a pod is."""

    phase: str = ""
    container_statuses: tuple[ContainerStatus, ...] = ()
    init_container_statuses: tuple[ContainerStatus, ...] = ()


class RunningPod(Kind, frozen=True, gc=False):
    """A pod that runs, or has run."""

    metadata: RunningMeta = RunningMeta()
    spec: RunningSpec = RunningSpec()
    status: RunningStatus = RunningStatus()

    @property
    def counts(self) -> bool:
        """Whether its containers may be using anything: it is past Pending."""
        return self.status.phase != "Pending"


def crew_of(pod: RunningPod) -> Crew:
    """Who runs in it."""
    first = pod.spec.init_containers
    job = next((owner for owner in pod.metadata.owner_references if owner.controller and owner.kind == "Job"), None)
    return Crew(
        labels=pod.metadata.labels,
        containers=tuple(container.name for container in pod.spec.containers),
        sidecars=tuple(container.name for container in first if container.restart_policy == "Always"),
        init_containers=tuple(container.name for container in first if container.restart_policy != "Always"),
        job=job.name if job else "",
    )


def seen_of(pod: RunningPod) -> dict[str, Seen]:
    """Its containers as far as kills for memory go, by name."""
    requested = {one.name: one.resources for one in (*pod.spec.containers, *pod.spec.init_containers)}
    statuses = (*pod.status.container_statuses, *pod.status.init_container_statuses)
    return {status.name: _seen(status, requested.get(status.name)) for status in statuses}


def _seen(status: ContainerStatus, specified: Resources | None) -> Seen:
    ended = status.state.terminated
    return Seen(
        restarts=status.restart_count,
        running=status.state.running is not None,
        terminated=ended is not None,
        killed_at=_killed(ended),
        killed_before=_killed(status.last_state.terminated),
        memory=_memory(status.resources or specified),
    )


def _killed(ended: Terminated | None) -> str:
    return (ended.finished_at or "") if ended is not None and ended.reason == OOM_KILLED else ""


def _memory(resources: Resources | None) -> int:
    requests = resources.requests if resources else None
    try:
        return whole_bytes(requests.memory) if requests is not None and requests.memory is not None else 0
    except ValueError:
        return 0
