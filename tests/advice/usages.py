"""Usage to learn from."""

import numpy as np

from scaler.history.owners import Workload
from scaler.history.queries import Container
from scaler.history.series import Series
from scaler.history.usage import ContainerUsage

MIB = 2.0**20
BEGIN = 1_767_225_600.0
DAY = 86400.0
WEB = Workload("shop", "Deployment", "web")


def usage(
    cpu: object, memory: object, *, pod: str = "web-1", container: str = "app", step: float = 60.0, days: float = 1.0
) -> ContainerUsage:
    """A container whose usage is always that, or what an array says."""
    count = round(days * DAY / step) + 1
    times = BEGIN + step * np.arange(count)

    def series(values: object) -> Series:
        return Series(times, np.broadcast_to(np.asarray(values, dtype=np.float64), (count,)).copy())

    return ContainerUsage(Container("shop", pod, container), series(cpu), series(memory))
