"""What is not asked of anybody, and what happens when the API server does not say who owns whom."""

import asyncio
from collections.abc import Awaitable

import msgspec
import pytest
from aiohttp import web

from scaler.api.verticalpodautoscaler import VerticalPodAutoscaler
from scaler.kube.connection import Connection
from scaler.kube.controllers import Controllers
from scaler.kube.store import Store
from scaler.kube.wire import Limits
from scaler.vertical.limit_ranges import NO_RANGES
from scaler.vertical.scope import Scope
from tests.kube.conftest import Peer, peer  # noqa: F401 - a fixture
from tests.webhook.reviews import Object, asked
from webhook.pods import Pods
from webhook.review import ALLOWED, Answer
from webhook.sizes import Sizes

VPA = {
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {"targetRef": {"kind": "StatefulSet", "name": "web"}},
    "status": {"recommendation": {"containerRecommendations": [{"containerName": "main", "target": {"cpu": "1"}}]}},
}
OWNER = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "uid": "u", "controller": True}


def pod(namespace: str = "shop", owner: Object | None = OWNER, **container: object) -> Object:
    metadata: Object = {"generateName": "web-", "namespace": namespace, "annotations": {}}
    if owner is not None:
        metadata["ownerReferences"] = [owner]
    return {"metadata": metadata, "spec": {"containers": [{"name": "main", **container}]}}


@pytest.fixture
async def pods(peer: Peer):  # noqa: F811 - the fixture
    """Judges by one VPA in namespace shop, whose API server is the peer."""
    store = Store[VerticalPodAutoscaler]()
    sizes = Sizes(store)
    store.put(msgspec.convert(VPA, VerticalPodAutoscaler))
    async with Connection(peer.url, Limits(timeout=5.0, patience=5.0)) as connection:
        covered = Scope(ignored=frozenset({"bank"})).covers
        yield Pods(sizes, Controllers(connection), lambda _: NO_RANGES, covered=covered, deadline=0.2)


async def judged(pods: Pods, new: Object | None, **request: object) -> Answer:
    found = pods.judge(asked("Pod", new, **request))
    return await found if isinstance(found, Awaitable) else found


@pytest.mark.parametrize(
    ("new", "request_"),
    [
        (pod("mail"), {}),
        (pod("bank"), {}),
        (pod(owner=None), {}),
        (pod(owner={**OWNER, "controller": False}), {}),
        (pod(), {"subResource": "resize"}),
        (pod(), {"operation": "UPDATE"}),
    ],
)
async def test_what_needs_no_look_asks_nobody(pods: Pods, peer: Peer, new: Object, request_: Object) -> None:  # noqa: F811
    assert await judged(pods, new, **request_) == ALLOWED
    assert peer.seen == []


async def test_the_second_pod_of_a_workload_is_answered_at_once(pods: Pods, peer: Peer) -> None:  # noqa: F811
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response({"metadata": {}})

    peer.answer = answer
    first = await judged(pods, pod())
    assert first.patch[0].path == "/spec/containers/0/resources"
    second = pods.judge(asked("Pod", pod()))
    assert isinstance(second, Answer)
    assert second.patch == first.patch
    assert len(peer.seen) == 1


@pytest.mark.parametrize(
    ("wait", "words"), [(1.0, "did not say within 0.2 s who controls StatefulSet web"), (0.0, "403")]
)
async def test_what_cannot_be_found_out_leaves_the_pod_as_it_is_and_says_so(
    pods: Pods,
    peer: Peer,  # noqa: F811
    wait: float,
    words: str,
) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(wait)
        return web.json_response({"kind": "Status", "message": "no", "reason": "Forbidden", "code": 403}, status=403)

    peer.answer = answer
    found = await judged(pods, pod())
    assert found.allowed
    assert found.failed
    assert found.patch == ()
    assert "pod web-% is left as it is" in found.message
    assert words in found.message
    assert found.warnings == (found.message,)


async def test_a_quantity_that_is_none_leaves_the_pod_to_the_api_servers_refusal(pods: Pods, peer: Peer) -> None:  # noqa: F811
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response({"metadata": {}})

    peer.answer = answer
    found = await judged(pods, pod(resources={"requests": {"cpu": "lots"}}))
    assert found.failed
    assert '"lots" is not a quantity' in found.message
