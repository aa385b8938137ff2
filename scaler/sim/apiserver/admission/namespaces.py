"""The admission that knows namespaces: nothing is created in one that is not there or is on its way out."""

from scaler.sim.apiserver import refusals
from scaler.sim.apiserver.registry import Registry, Review
from scaler.sim.apiserver.store import Object


class Namespaces:
    """Looks at every creation."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry

    async def admit(self, review: Review) -> Object | None:
        if review.operation != "CREATE" or review.subresource or not review.served.resource.namespaced:
            return review.new
        namespace = self.registry.store.table("namespaces").objects.get(("", review.key[0]))
        if namespace is None:
            raise refusals.not_found("", "namespaces", review.key[0])
        if namespace.object["metadata"].get("deletionTimestamp"):
            raise _terminating(review)
        return review.new


def _terminating(review: Review) -> refusals.Refusal:
    name = review.key[0]
    why = f"unable to create new content in namespace {name} because it is being terminated"
    said = f"namespace {name} is being terminated"
    cause = {"reason": "NamespaceTerminating", "message": said, "field": "metadata.namespace"}
    return refusals.forbidden(review.served.group, review.served.resource.plural, review.key[1], why, [cause])
