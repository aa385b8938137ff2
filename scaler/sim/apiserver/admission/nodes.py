"""The admission that knows nodes: a pod is resized neither beyond its node nor in ways that the node cannot.

Source: the node capacity and declared features checks of pods/resize, and their words, in a kube-apiserver 1.36.
"""

from scaler.quantity import exact_quantity, milli_quantity
from scaler.sim.apiserver import refusals
from scaler.sim.apiserver.registry import Registry, Review
from scaler.sim.apiserver.resources import at
from scaler.sim.apiserver.store import Object

INIT_CONTAINERS = "InPlacePodVerticalScalingInitContainers"
"""What a node declares that can resize ordinary init containers; ours declares nothing."""


class Nodes:
    """Looks at every resize."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry

    async def judge(self, review: Review) -> None:
        new, old = review.new, review.old
        if review.subresource != "resize" or new is None or old is None:
            return
        name = new["spec"].get("nodeName", "")
        node = self.registry.store.table("nodes").objects.get(("", name))
        if node is not None:
            why, causes = _too_much(new, node.object), [{"reason": "NodeCapacity"}]
            if why:
                raise refusals.forbidden("", "pods", review.key[1], why, causes)
            if _first(new) != _first(old) and INIT_CONTAINERS not in (
                at(node.object, "status.declaredFeatures") or ()
            ):
                why = f'pod update requires features {INIT_CONTAINERS} which are not available on node "{name}"'
                raise refusals.forbidden("", "pods", review.key[1], why)


def _first(pod: Object) -> list[Object]:
    """The resources of ordinary init containers."""
    found = pod["spec"].get("initContainers") or ()
    return [one.get("resources") or {} for one in found if one.get("restartPolicy") != "Always"]


def _too_much(pod: Object, node: Object) -> str:
    allocatable = at(node, "status.allocatable") or {}
    for name in sorted(allocatable.keys() & {"cpu", "memory"}):
        asked, room = _requested(pod, name), _counted(name, allocatable[name])
        if asked > room:
            what = f"{name}, requested: {asked}, allocatable: {room}"
            return f"node didn't have enough allocatable resources: {what}"
    return ""


def _requested(pod: Object, name: str) -> int:
    amounts = [at(container, f"resources.requests.{name}") or "0" for container in pod["spec"]["containers"]]
    return sum(_counted(name, amount) for amount in amounts)


def _counted(name: str, amount: str) -> int:
    """Millicores, and bytes."""
    return milli_quantity(amount) if name == "cpu" else int(exact_quantity(amount))
