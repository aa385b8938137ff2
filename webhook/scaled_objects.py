"""ScaledObjects as users write them, judged by the rules of `scaler validate`, beside what is in the cluster.

An object that is going, and a change that leaves spec and annotations as they were, are let through: the operator's
finalizer must come and go. What cannot be looked up in time is not held against an object.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import TypeVar

import msgspec

from scaler.api.meta import Raw
from scaler.api.neighbours import Outline
from scaler.api.scaledobject import ScaledObject
from scaler.errors import ApiError
from webhook.neighbourhood import Neighbourhood
from webhook.review import ALLOWED, Answer, Request, accepted, refused, told
from webhook.unread import why_unread

T = TypeVar("T")

_SCALED = msgspec.json.Decoder(ScaledObject)
_RESOURCES = frozenset({"cpu", "memory"})
UNJUDGED = "not all of it could be judged"


class ScaledObjects:
    """Judges ScaledObjects."""

    def __init__(self, neighbourhood: Neighbourhood, *, deadline: float) -> None:
        """`deadline` is in seconds, for whatever is not in memory."""
        self._near = neighbourhood
        self._deadline = deadline

    def judge(self, request: Request) -> Answer | Awaitable[Answer]:
        """The answer; one that needs a look into the cluster comes later."""
        if request.operation not in {"CREATE", "UPDATE"} or request.sub_resource:
            return ALLOWED
        try:
            scaled = _SCALED.decode(request.object)
        except msgspec.ValidationError as error:
            return refused(why_unread(ScaledObject, request.object, error))
        if scaled.metadata.deletion_timestamp or (
            request.operation == "UPDATE" and _same(scaled, request.old_object)
        ):
            return ALLOWED
        return self._judged(scaled)

    async def _judged(self, scaled: ScaledObject) -> Answer:
        from scaler.horizontal import admission  # a start need not wait for formulas and triggers
        from scaler.triggers import review

        unseen: list[str] = [] if self._near.complete else [f"{UNJUDGED}: the webhook has only just started"]
        pod_spec, ranges = await self._pods(scaled, unseen)
        authentications = await self._in_time(self._near.authentications(scaled), {}, unseen)
        refusals = admission.refusals(scaled, self._others(scaled), self._near.hpas(scaled), pod_spec, ranges)
        problems = [*(each.problem for each in refusals), *review.errors(scaled, authentications)]
        remarks = [*admission.warnings(scaled), *told(review.warnings(scaled, authentications)), *unseen]
        answer = refused(problems) if problems else accepted()
        return msgspec.structs.replace(answer, warnings=tuple(remarks))

    def _others(self, scaled: ScaledObject) -> Sequence[Outline]:
        return [other for other in self._near.scaled_objects(scaled) if other.metadata.name != scaled.metadata.name]

    async def _pods(self, scaled: ScaledObject, unseen: list[str]) -> tuple[Raw | None, Sequence[Raw]]:
        """Containers and LimitRanges, where a trigger measures usage against requests."""
        if not any(trigger.type in _RESOURCES for trigger in scaled.spec.triggers):
            return None, ()
        pod_spec = await self._in_time(self._near.pod_spec(scaled), None, unseen)
        if pod_spec is None:
            return None, ()
        return pod_spec, await self._in_time(self._near.limit_ranges(scaled.metadata.namespace), (), unseen)

    async def _in_time(self, look: Awaitable[T], nothing: T, unseen: list[str]) -> T:
        try:
            async with asyncio.timeout(self._deadline):
                return await look
        except TimeoutError:
            unseen.append(f"{UNJUDGED}: the API server did not answer within {self._deadline:g} s")
        except ApiError as error:
            unseen.append(f"{UNJUDGED}: {error}")
        return nothing


def _same(new: ScaledObject, old: msgspec.Raw) -> bool:
    try:
        before = _SCALED.decode(old)
    except msgspec.MsgspecError:
        return False
    return new.spec == before.spec and new.metadata.annotations == before.metadata.annotations
