"""Scale on the processor time that pods use."""

from scaler.triggers.resource_metrics import ResourceTrigger


class Cpu(ResourceTrigger):
    """Read by the HPA from the metrics server."""

    kind = "cpu"
