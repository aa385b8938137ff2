"""Every request gets an answer, and none of them keeps a pod from being made."""

import logging
from collections.abc import Awaitable
from typing import Any

import msgspec
import pytest

from scaler.serving.listener import Caller, Request
from tests.webhook.reviews import Object, answer, review
from webhook.door import PATHS, Door, Judge
from webhook.metrics import WebhookMetrics
from webhook.review import Answer
from webhook.review import Request as Asked

POD = {"metadata": {"name": "web", "namespace": "shop"}}


class Doorway:
    """A door with one judge for pods."""

    def __init__(self, judge: Judge | None = None) -> None:
        self.metrics = WebhookMetrics()
        self.door = Door({("", "pods"): judge or (lambda _: Answer())}, self.metrics)

    async def ask(
        self, body: bytes, *, target: str = "/?timeout=3s", method: str = "POST", kind: str = "application/json"
    ) -> tuple[int, Any]:
        """Status and body of the answer."""
        request = Request(method, target, [("content-type", kind)] if kind else [], Caller(None), body=body)
        found = self.door.handle(request)
        whole = await found if isinstance(found, Awaitable) else found
        head, _, content = whole.partition(b"\r\n\r\n")
        return int(head.split()[1]), msgspec.json.decode(content)

    async def response(self, body: bytes) -> Object:
        status, content = await self.ask(body)
        assert status == 200
        return answer(msgspec.json.encode(content))


@pytest.mark.parametrize("path", sorted(PATHS))
async def test_every_path_of_upstreams_takes_every_review(path: str) -> None:
    status, content = await Doorway().ask(review("Pod", POD), target=f"{path}?timeout=3s")
    assert (status, content["response"]["allowed"]) == (200, True)


@pytest.mark.parametrize(
    ("changed", "status", "words"),
    [
        ({"target": "/mutate"}, 404, "there is nothing at /mutate: reviews go to /"),
        ({"method": "GET"}, 405, "GET is not served here: POST an AdmissionReview"),
        ({"kind": "application/yaml"}, 415, "send application/json"),
        ({"body": b"{"}, 400, "cut off"),
        ({"body": b'{"kind":"Pod","apiVersion":"v1"}'}, 400, "an AdmissionReview of admission.k8s.io/v1 is wanted"),
    ],
)
async def test_what_is_no_review_gets_a_status_that_says_so(changed: Object, status: int, words: str) -> None:
    code, content = await Doorway().ask(**{"body": review("Pod", POD), **changed})
    assert (code, content["kind"], content["status"]) == (status, "Status", "Failure")
    assert words in content["message"]


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "APPLICATION/JSON", ""])
async def test_json_by_any_name_is_read(kind: str) -> None:
    assert (await Doorway().ask(review("Pod", POD), kind=kind))[0] == 200


async def test_a_resource_that_nobody_judges_is_let_through_with_a_word() -> None:
    response = await Doorway().response(review("ConfigMap", POD))
    assert response["allowed"]
    assert response["warnings"] == ["configmaps are not judged here: mend the webhook's rules"]


def broken(_: Asked) -> Answer:
    raise KeyError("ours")


async def broken_later(_: Asked) -> Answer:
    raise KeyError("ours")


@pytest.mark.parametrize("judge", [broken, broken_later])
async def test_a_bug_lets_the_pod_through_and_is_told_everywhere(
    judge: Judge, caplog: pytest.LogCaptureFixture
) -> None:
    doorway = Doorway(judge)
    with caplog.at_level(logging.ERROR):
        response = await doorway.response(review("Pod", POD))
    assert response["allowed"]
    assert "patch" not in response
    assert response["status"]["message"] == (
        "Pod web is let through unjudged: an error of the webhook's own: KeyError, see its log"
    )
    assert response["warnings"] == [response["status"]["message"]]
    assert response["auditAnnotations"] == {"unjudged": response["status"]["message"]}
    assert caplog.records[0].exc_info is not None
    assert 'latency_seconds_count{status="error",resource="Pod"} 1' in doorway.metrics.render().decode()


async def test_a_pod_that_cannot_be_read_is_let_through() -> None:
    def judge(request: Asked) -> Answer:
        msgspec.json.decode(request.object, type=dict[str, int])
        return Answer()

    response = await Doorway(judge).response(review("Pod", POD))
    assert response["allowed"]
    assert "it cannot be read: Expected `int`" in response["status"]["message"]


async def test_what_is_patched_refused_and_let_be_is_counted() -> None:
    answers = [Answer(patch=({"op": "add"},)), Answer(), Answer(allowed=False, message="no")]
    doorway = Doorway(lambda _: answers.pop(0))
    for _ in range(3):
        await doorway.response(review("Pod", POD))
    page = doorway.metrics.render().decode()
    assert 'vpa_admission_controller_admission_pods_total{applied="false"} 2' in page
    assert 'vpa_admission_controller_admission_pods_total{applied="true"} 1' in page
    assert 'kube_scaler_refused_objects_total{resource="pods"} 1' in page
    assert (
        'vpa_admission_controller_admission_latency_seconds_bucket{status="applied",resource="Pod",le="+Inf"} 1'
        in page
    )
