"""A pod that is being created: whose it is, which VerticalPodAutoscaler counts for it, and what it is to have.

It never refuses one. What is in memory is answered at once; a controller that nobody has seen yet is looked up within
the deadline, and what cannot be found out in time leaves the pod as it is.
"""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from scaler.errors import ApiError, Invalid
from scaler.kube.controllers import Controllers
from scaler.vertical import resize
from scaler.vertical.limit_ranges import Ranges
from scaler.vertical.pods import SizedPod
from scaler.vertical.targets import Climb, Controller
from webhook.review import ALLOWED, Answer, Request
from webhook.sizes import Sizes, Sizing

_POD = msgspec.json.Decoder(SizedPod)


class Pods:
    """Judges pods."""

    def __init__(
        self,
        sizes: Sizes,
        controllers: Controllers,
        ranges: Callable[[str], Ranges],
        *,
        covered: Callable[[str], bool],
        deadline: float,
        max_boost: int = 0,
    ) -> None:
        """`ranges` gives what a namespace allows, `covered` says whether pods of one are sized at all.

        `deadline` is in seconds, `max_boost` in millicores, 0 for none.
        """
        self._sizes = sizes
        self._controllers = controllers
        self._ranges = ranges
        self._covered = covered
        self._deadline = deadline
        self._max_boost = max_boost

    def judge(self, request: Request) -> Answer | Awaitable[Answer]:
        """The answer, at once where everything is known."""
        if request.operation != "CREATE" or request.sub_resource or not self._sizes.any_in(request.namespace):
            return ALLOWED
        if not self._covered(request.namespace):  # a registration of someone else's may ask nevertheless
            return ALLOWED
        pod = _POD.decode(request.object)
        owner = pod.owner
        if owner is None:
            return ALLOWED
        start = Controller(owner.kind, owner.name, owner.api_version)
        way = self._controllers.recall(request.namespace, start)
        if way.ask is not None or (way.topmost is not None and not way.topmost.well_known):
            return self._later(request.namespace, pod, start)
        return self._sized(request.namespace, pod, self._sizing(request.namespace, way))

    async def _later(self, namespace: str, pod: SizedPod, start: Controller) -> Answer:
        try:
            async with asyncio.timeout(self._deadline):
                way = await self._controllers.topmost(namespace, start)
                sizing = self._sizing(namespace, way)
                if sizing is not None and not await self._selected(namespace, pod, way):
                    return ALLOWED
        except TimeoutError:
            return _left(pod, f"the API server did not say within {self._deadline:g} s who controls {_named(start)}")
        except ApiError as error:
            return _left(pod, f"it cannot be found out who controls {_named(start)}: {error}")
        return self._sized(namespace, pod, sizing)

    def _sizing(self, namespace: str, way: Climb) -> Sizing | None:
        return None if way.topmost is None else self._sizes.strongest(namespace, way.topmost)

    async def _selected(self, namespace: str, pod: SizedPod, way: Climb) -> bool:
        """A kind that is not Kubernetes' own may control more pods than its scale means."""
        assert way.topmost is not None  # or there would be no sizing
        selector = await self._controllers.selector(namespace, way.topmost)
        return selector is None or selector.matches(pod.metadata.labels)

    def _sized(self, namespace: str, pod: SizedPod, sizing: Sizing | None) -> Answer:
        if sizing is None:
            return ALLOWED
        if sizing.rules is None:
            return _left(pod, sizing.problem)
        try:
            admission = resize.admit(pod, sizing.rules, self._ranges(namespace), self._max_boost)
        except (Invalid, ValueError) as error:  # a quantity of the pod itself: the API server will say so, too
            return _left(pod, f"VerticalPodAutoscaler {sizing.name} cannot be applied: {error}")
        if admission.problem:
            return _left(pod, f"VerticalPodAutoscaler {sizing.name} is not applied: {admission.problem}")
        return Answer(patch=admission.patch)


def _left(pod: SizedPod, why: str) -> Answer:
    message = f"pod {pod.display_name} is left as it is: {why}"
    return Answer(message=message, warnings=(message[:250],), failed=True)


def _named(controller: Controller) -> str:
    return f"{controller.kind} {controller.name}"
