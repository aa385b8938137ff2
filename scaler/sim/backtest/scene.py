"""What a backtest plays: a workload, the autoscalers that its user wrote for it, a load, and what nature does."""

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

from scaler.api.meta import Raw
from scaler.api.verticalpodautoscaler import VerticalPodAutoscaler
from scaler.horizontal.readings import Policy as HorizontalPolicy
from scaler.horizontal.readings import Subject
from scaler.vertical.amounts import Amounts

Floats = npt.NDArray[np.float64]

Policy = Literal["as-it-is", "hpa", "vpa", "naive", "together"]
"""Who acts: nobody, the HPA (or ScaledObject) alone, the VPA alone, both as if the other were not, both as one."""
POLICIES: tuple[Policy, ...] = ("as-it-is", "hpa", "vpa", "naive", "together")


class MemoryUse(msgspec.Struct, frozen=True):
    """What a container keeps in memory; bytes."""

    base: float = 0.0
    """With nothing to do."""
    per_core: float = 0.0
    """More for each core that its share of the load asks for."""
    leak: float = 0.0
    """More for each second of its age."""


class Container(msgspec.Struct, frozen=True):
    """A container of the workload's template."""

    name: str
    requests: Amounts = {}
    limits: Amounts = {}
    share: float = 1.0
    """Of the load's cpu; those of all containers add up to 1."""
    memory: MemoryUse = MemoryUse()


class Workload(msgspec.Struct, frozen=True):
    """What is scaled, as its manifest has it."""

    replicas: int
    containers: tuple[Container, ...]
    name: str = "workload"
    namespace: str = "default"
    startup: float = 20.0
    """Seconds from a pod's creation until it is ready."""


class Queue(msgspec.Struct, frozen=True):
    """Work that waits for pods instead of being lost; what the triggers of a ScaledObject look at."""

    arrivals: Floats
    """Messages a second, at the load's times."""
    rate: float
    """Messages a second that one ready pod finishes when it has all the cpu it wants."""
    cores: float = 0.5
    """Cores that a pod wants while it works all the time."""
    visible: Sequence[str] = ()
    """Names of the metrics that show how many messages wait."""


class Load(msgspec.Struct, frozen=True, eq=False):
    """What comes from outside, at even steps."""

    start: float
    """Epoch seconds."""
    step: float
    """Seconds."""
    cores: Floats
    """Cores that the whole workload wants; NaN where nobody knows (then it goes straight from one known to the
    next)."""
    memory: Floats | None = None
    """Bytes that the whole workload keeps; None when the containers' own `MemoryUse` says so."""
    queue: Queue | None = None
    """Messages beside, or instead of, the cpu load."""
    metrics: Mapping[str, Floats] = {}
    """Other external metrics as they were recorded, by the names the HPA asks for; NaN for no data."""

    @property
    def length(self) -> float:
        """Seconds."""
        return self.step * len(self.cores)

    def at(self, values: Floats, times: Floats) -> Floats:
        """The values at other times, in seconds since the start."""
        own = np.arange(len(values)) * self.step
        known = np.isfinite(values)
        if not known.any():
            return np.zeros(len(times))
        return np.interp(times, own[known], values[known])


class Nature(msgspec.Struct, frozen=True):
    """What no autoscaler decides. The defaults are those of an ordinary cluster without disturbances."""

    noise: float = 0.0
    """Relative spread of the load from step to step."""
    jitter: float = 0.0
    """Relative spread of what each pod gets of it, anew at every step."""
    skew: float = 0.0
    """Relative spread of what each pod gets of it for all its life."""
    scrape: float = 15.0
    """Seconds between two samples of every pod."""
    delay: float = 15.0
    """Seconds until a sample can be read."""
    window: float = 15.0
    """Seconds that a sample is taken over."""
    lost: float = 0.0
    """The share of samples of single pods that are missing."""
    blind: tuple[tuple[float, float], ...] = ()
    """From when to when (seconds since the start) no metric can be read at all."""
    rollouts: tuple[float, ...] = ()
    """When (seconds since the start) the user rolls the workload out anew, with the template as it is."""
    resize: float = 10.0
    """Seconds that a resize in place takes."""
    infeasible: float = 0.0
    """The share of resizes that a node has no room for."""


class Scene(msgspec.Struct, frozen=True, eq=False):
    """All that a policy meets."""

    workload: Workload
    load: Load
    hpa: Raw | None = None
    """An autoscaling/v2 HorizontalPodAutoscaler of the user's, or the one that his ScaledObject is given."""
    subject: Subject | None = None
    """The ScaledObject with its triggers built, when there is one; `hpa` is then made of it."""
    vpa: VerticalPodAutoscaler | None = None
    policy: HorizontalPolicy = HorizontalPolicy()
    """What the installation chose for ScaledObjects."""
    nature: Nature = Nature()
    learned: float = 0.0
    """Days of such a load that VPA has seen before the beginning; with 0 it begins without any history."""
