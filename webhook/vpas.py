"""VerticalPodAutoscalers as users write them: what is absent is filled in, what is wrong is refused and explained.

An object that is going, and a change that leaves spec and annotations as they were, are let through: nobody must be
kept from taking a finalizer away.
"""

from collections.abc import Callable, Sequence

import msgspec

from scaler.api import vpa_rules
from scaler.api.verticalpodautoscaler import VerticalPodAutoscaler
from scaler.vertical.resize import Add
from webhook.review import ALLOWED, Answer, Request, accepted, refused
from webhook.unread import why_unread

_VPA = msgspec.json.Decoder(VerticalPodAutoscaler)
DEFAULT_POLICY = Add("/spec/updatePolicy", {"updateMode": "Recreate"})


class Vpas:
    """Judges VerticalPodAutoscalers."""

    def __init__(self, beside: Callable[[VerticalPodAutoscaler], Sequence[VerticalPodAutoscaler]]) -> None:
        """`beside` gives those on the same workload; the object itself may be among them."""
        self._beside = beside

    def judge(self, request: Request) -> Answer:
        """The answer, with the default that upstream fills in."""
        if request.operation not in {"CREATE", "UPDATE"} or request.sub_resource:
            return ALLOWED
        try:
            vpa = _VPA.decode(request.object)
        except msgspec.ValidationError as error:
            return refused(why_unread(VerticalPodAutoscaler, request.object, error))
        old = _old(request)
        if vpa.metadata.deletion_timestamp or (old is not None and _same(vpa, old)):
            return ALLOWED
        warnings = vpa_rules.warnings(vpa, old)
        problems = vpa_rules.refusals(vpa, old)
        if problems:
            return refused(problems, warnings)
        if old is None or old.spec.target_ref != vpa.spec.target_ref:
            warnings += vpa_rules.neighbours(vpa, self._beside(vpa))
        return accepted(warnings, () if vpa.spec.update_policy else (DEFAULT_POLICY,))


def _old(request: Request) -> VerticalPodAutoscaler | None:
    """What was there; None also for one that cannot be read, which excuses nothing."""
    if request.operation == "CREATE":
        return None
    try:
        return _VPA.decode(request.old_object)
    except msgspec.MsgspecError:
        return None


def _same(new: VerticalPodAutoscaler, old: VerticalPodAutoscaler) -> bool:
    return new.spec == old.spec and new.metadata.annotations == old.metadata.annotations
