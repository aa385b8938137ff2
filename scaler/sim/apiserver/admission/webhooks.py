"""The two rounds of webhooks around a write: those that change it, one after the other, and those that judge it.

Source: the dispatchers of admission webhooks in Kubernetes 1.36.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import msgspec

from scaler.sim.apiserver import callers, refusals
from scaler.sim.apiserver.admission import reviews, rules
from scaler.sim.apiserver.admission.calls import Calls
from scaler.sim.apiserver.admission.reviews import Answer, Failure
from scaler.sim.apiserver.admission.rules import Asked
from scaler.sim.apiserver.registry import Registry, Review, Served

Object = dict[str, Any]

T = TypeVar("T")

MUTATING, VALIDATING = "mutatingwebhookconfigurations", "validatingwebhookconfigurations"


class Invocation(msgspec.Struct, frozen=True):
    """One webhook that a write concerns."""

    uid: str
    webhook: Object
    asked: Asked
    served: Served | None
    """In which version it wants the object; None for what is no object of the resource, such as a Scale."""


class Webhooks:
    """Asks those whom a write concerns."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.calls = Calls(registry)

    # -- changing ----------------------------------------------------------------------------------------------

    async def mutate(self, review: Review) -> Object | None:
        """What the webhooks make of a write. Who asks for it is asked once more about later changes."""
        again: set[str] = set()
        known: set[str] = set()
        new = review.new
        for _, each in self._of(MUTATING, review):
            new = await self._mutated(msgspec.structs.replace(review, new=new), each, known, again)
        if again:
            for uid, each in self._of(MUTATING, review):
                if uid in again:
                    new = await self._mutated(msgspec.structs.replace(review, new=new), each, set(), set())
        return new

    async def _mutated(self, review: Review, each: Invocation, known: set[str], again: set[str]) -> Object | None:
        """`known` are those that want to be asked again about changes made after them, `again` those that must."""
        if not self._concerned(review, each):
            return review.new
        changed = await self._guarded(each, lambda: self._asked_to_change(review, each))
        if changed is not None and changed != review.new:
            again |= known
            known.clear()
        if each.webhook.get("reinvocationPolicy") == "IfNeeded":
            known.add(each.uid)
        return review.new if changed is None else changed

    async def _asked_to_change(self, review: Review, each: Invocation) -> Object | None:
        """The changed object in its stored spelling; None when nothing changes."""
        new, _ = _spelled(review, each)
        answer = await self._answer(review, each, may_patch=True)
        if not answer.patch or new is None:
            return None
        changed = reviews.patched(new, answer.patch)
        if each.served is None:
            return changed
        return self.registry.readmitted(each.served, changed)

    # -- judging -----------------------------------------------------------------------------------------------

    async def validate(self, review: Review) -> None:
        """Ask all at once; the first refusal in their order is the one that counts."""
        concerned = [each for _, each in self._of(VALIDATING, review)]
        outcomes = await asyncio.gather(*(self._judged(review, each) for each in concerned), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    async def _judged(self, review: Review, each: Invocation) -> None:
        if self._concerned(review, each):
            await self._guarded(each, lambda: self._answer(review, each, may_patch=False))

    # -- both --------------------------------------------------------------------------------------------------

    def _of(self, plural: str, review: Review) -> Iterator[tuple[str, Invocation]]:
        """Those whose rules and selectors the write fits, by the names of their configurations."""
        table = self.registry.store.table(f"{plural}.{rules.EXEMPT}")
        if review.served.group == rules.EXEMPT or not table.objects:
            return
        for key in table.ordered():
            for number, webhook in enumerate(table.objects[key].object.get("webhooks") or ()):
                found = self._fit(webhook, review)
                if found is not None:
                    uid = f"{key[1]}/{number}"
                    yield uid, Invocation(uid, webhook, *found)

    def _fit(self, webhook: Object, review: Review) -> tuple[Asked, Served | None] | None:
        """The version in which a rule names what is written: the caller's own, else an equivalent one."""
        for served in self._spellings(review.served, webhook.get("matchPolicy", "Equivalent")):
            asked = Asked(
                served.group,
                served.version.name,
                served.resource.plural,
                review.subresource,
                served.resource.namespaced,
            )
            if rules.matches(webhook.get("rules") or (), review.operation, asked):
                foreign = review.subresource in {"scale", "eviction"}
                return asked, None if foreign else served
        return None

    def _spellings(self, own: Served, policy: str) -> list[Served]:
        if policy == "Exact":
            return [own]
        same = (one for one in self.registry.served.values() if one.resource.table == own.resource.table)
        return [own, *(one for one in same if one != own)]

    def _concerned(self, review: Review, each: Invocation) -> bool:
        """Whether selectors and conditions choose the object as it is now."""
        webhook = each.webhook
        if not self._is_in(webhook.get("namespaceSelector"), review):
            return False
        shown = [one for one in (review.new, review.old) if one is not None]
        if not rules.selects(webhook.get("objectSelector"), [one["metadata"].get("labels") for one in shown]):
            return False
        conditions = webhook.get("matchConditions")
        return not conditions or self._fulfilled(conditions, review, each)

    def _is_in(self, selector: Object | None, review: Review) -> bool:
        """Whether the namespace that the object is in, or is, is selected; what is in none always is."""
        if review.served.resource.table == "namespaces":
            return rules.selects(selector, [(review.new or review.old or {})["metadata"].get("labels")])
        if not review.key[0]:
            return True
        namespace = self.registry.store.table("namespaces").objects.get(("", review.key[0]))
        return rules.selects(selector, [namespace.object["metadata"].get("labels") if namespace else None])

    def _fulfilled(self, conditions: list[Object], review: Review, each: Invocation) -> bool:
        new, old = _spelled(review, each)
        request = reviews.request(review, each.asked, callers.caller().user, new, old)
        try:
            return rules.fulfilled(conditions, {"object": new, "oldObject": old, "request": request})
        except rules.Unjudged as problem:
            if each.webhook.get("failurePolicy") == "Ignore":
                return False
            served = review.served
            raise refusals.forbidden(served.group, served.resource.plural, review.key[1], str(problem)) from problem

    async def _guarded(self, each: Invocation, ask: Callable[[], Awaitable[T]]) -> T | None:
        """Ask; what comes of a failure is the webhook's own policy."""
        try:
            return await ask()
        except Failure as failure:
            if each.webhook.get("failurePolicy") == "Ignore":
                return None
            name = each.webhook["name"]
            why = f'failed calling webhook "{name}": failed to call webhook: {failure}'
            raise refusals.internal_error(why) from failure

    async def _answer(self, review: Review, each: Invocation, *, may_patch: bool) -> Answer:
        caller = callers.caller()
        new, old = _spelled(review, each)
        request = reviews.request(review, each.asked, caller.user, new, old)
        body = await self.calls.ask(each.webhook, request)
        answer = reviews.read(body, request["uid"], may_patch=may_patch)
        caller.warnings.extend(answer.warnings)
        if not answer.allowed:
            raise reviews.denied(each.webhook["name"], answer.status)
        return answer


def _spelled(review: Review, each: Invocation) -> tuple[Object | None, Object | None]:
    """The new and the old object in the version that the webhook is told."""
    if each.served is None:
        return review.new, review.old
    spell = each.served.version.outgoing
    new, old = (None if one is None else spell(one) for one in (review.new, review.old))
    return new, old
