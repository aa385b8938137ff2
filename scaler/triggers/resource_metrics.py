"""What cpu and memory share: the HPA reads them itself, from the metrics server; here they are only described."""

from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal

from scaler.errors import Problem
from scaler.horizontal.readings import MetricType, ResourceSpec
from scaler.quantity import parse_quantity
from scaler.triggers.contract import Trigger
from scaler.triggers.parameters import Field, Parameters


class ResourceParameters(Parameters, frozen=True, kw_only=True):
    """Parameters of cpu and memory."""

    value: str
    """Whole percent of the request for metricType Utilization, a quantity for AverageValue."""
    container_name: str = ""
    """The one container to look at; the pod's total when empty."""
    type: Annotated[str, Field(removed="write it as the trigger's metricType")] = ""
    """The kind of target, in old manifests."""


class ResourceTrigger(Trigger[ResourceParameters]):
    """Never polled; it does not activate beside other triggers."""

    polled = False
    kind: ClassVar[Literal["cpu", "memory"]]

    def problems(self) -> Iterable[Problem]:
        if self.entry.metric_type == "Utilization":
            yield from self._percent()
        elif self.entry.metric_type == "AverageValue":
            yield from self._quantity()
        else:
            given = self.entry.metric_type or None
            yield Problem("metricType", f"of {self.kind} must be Utilization or AverageValue", given)

    def _percent(self) -> Iterable[Problem]:
        value = self.parameters.value
        if not (value.isascii() and value.isdigit() and 0 < int(value) < 2**31):
            yield self.parameters.complain(
                "value", 'of metricType Utilization must be a whole percent above 0, such as "80"'
            )

    def _quantity(self) -> Iterable[Problem]:
        try:
            amount = parse_quantity(self.parameters.value)
        except ValueError as error:
            yield self.parameters.complain("value", str(error))
        else:
            if amount <= 0:
                yield self.parameters.complain("value", "must be more than 0")

    @property
    def resource(self) -> ResourceSpec:
        metric_type: MetricType = "Utilization" if self.entry.metric_type == "Utilization" else "AverageValue"
        return ResourceSpec(self.kind, metric_type, self.parameters.value, self.parameters.container_name)

    @property
    def metric(self) -> str:
        return self.kind

    @property
    def place(self) -> str:
        return "the metrics server"
