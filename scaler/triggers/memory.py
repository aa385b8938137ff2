"""Scale on the memory that pods use."""

from scaler.triggers.resource_metrics import ResourceTrigger


class Memory(ResourceTrigger):
    """Read by the HPA from the metrics server."""

    kind = "memory"
