"""The operator of a backtest: what a ScaledObject decides at each check, and what its HPA is told in between.

`horizontal.evaluate` and `horizontal.answer` judge; here is only when they are asked and what they are shown.
"""

import math
from collections.abc import Mapping

from scaler.api.meta import Raw
from scaler.horizontal import hpa
from scaler.horizontal.answer import answer
from scaler.horizontal.evaluate import evaluate, scaling
from scaler.horizontal.readings import Failure, Memory, MetricSpec, Policy, Reading, Scale, Subject


class Operator:
    """One ScaledObject under check."""

    def __init__(self, subject: Subject, policy: Policy, begin: float) -> None:
        self._subject = subject
        self._policy = policy
        self._memory = Memory()
        self._due = begin
        self._cached = {spec.name for plan in subject.triggers if plan.cached for spec in plan.metrics}
        self._last: tuple[Reading | Failure, ...] = ()

    @property
    def hpa(self) -> Raw:
        """The HPA that the object is given."""
        return hpa.wanted_hpa(self._subject, self._policy)

    def check(self, values: Mapping[str, float], wanted: int, ready: int, now: float) -> int:
        """How many replicas there are to be: as before when it is not time for a check, or nothing is to be done."""
        if now < self._due:
            return wanted
        self._due = max(self._due + self._subject.scaled.spec.polling, now)
        self._last = self._readings(values, now)
        evaluation = evaluate(self._subject, self._last, Scale(wanted, ready), self._memory, self._policy, now)
        self._memory = evaluation.memory
        action = scaling(self._subject, evaluation)
        return wanted if action is None else action.replicas

    def tell(self, values: Mapping[str, float], wanted: int, ready: int, now: float) -> dict[str, float | None]:
        """What the HPA is told when it asks; a trigger with useCachedMetrics is not looked at again."""
        fresh = tuple(
            known if known.metric in self._cached else seen
            for known, seen in zip(self._last, self._readings(values, now), strict=False)
        )
        answers = answer(self._subject, fresh, Scale(wanted, ready), self._memory, now, counting=())
        return {name: told.value for name, told in answers.metrics.items()}

    def _readings(self, values: Mapping[str, float], now: float) -> tuple[Reading | Failure, ...]:
        return tuple(
            self._reading(plan.index, spec, values.get(spec.name, math.nan), now)
            for plan in self._subject.triggers
            for spec in plan.metrics
        )

    @staticmethod
    def _reading(index: int, spec: MetricSpec, value: float, now: float) -> Reading | Failure:
        if math.isnan(value):
            return Failure(index, spec.name, "there is no data", now)
        return Reading(index, spec.name, value, value > spec.activation, now)
