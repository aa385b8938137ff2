"""What is a review, what is not, and what an answer looks like to an API server."""

import msgspec
import pytest

from scaler.errors import Problem
from scaler.vertical.resize import Add
from tests.webhook.reviews import answer, asked, patch, review
from webhook import review as module
from webhook.review import ALLOWED, Answer, NotAReview, read, refused, write

POD = {"metadata": {"generateName": "web-", "namespace": "shop"}}


def test_a_review_is_read_and_its_object_left_for_whoever_judges_it() -> None:
    request = asked("Pod", POD)
    assert (request.operation, request.namespace, request.resource.resource) == ("CREATE", "shop", "pods")
    assert msgspec.json.decode(request.object) == POD
    assert bytes(request.old_object) == b"null"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not JSON, or was cut off after 0 bytes"),
        (b"hello", "not JSON"),
        (review("Pod", POD)[:200], "was cut off after 200 bytes"),
        (b"[]", "no AdmissionReview"),
        (b"{}", "no kind of no apiVersion"),
        (b'{"kind":"Pod","apiVersion":"v1"}', "Pod of v1: an AdmissionReview of admission.k8s.io/v1 is wanted"),
        (
            review("Pod", POD).replace(b'k8s.io/v1"', b'k8s.io/v1beta1"'),
            "AdmissionReview of admission.k8s.io/v1beta1",
        ),
        (b'{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}', "has no request"),
        (review("Pod", POD, operation="LOOK"), "operation"),
        (review("Pod", POD).replace(b'"uid"', b'"xid"'), "uid"),
        (b"\xff\xfe", "not JSON"),
    ],
)
def test_what_is_no_review_is_told_what_it_should_have_been(body: bytes, words: str) -> None:
    with pytest.raises(NotAReview, match=words.replace(".", r"\.")):
        read(body)


def test_an_answer_with_a_patch_is_one_that_an_api_server_applies() -> None:
    response = answer(write("u", Answer(patch=(Add("/metadata/annotations", {}),))))
    assert (response["uid"], response["allowed"]) == ("u", True)
    assert patch(response) == [{"op": "add", "path": "/metadata/annotations", "value": {}}]


def test_nothing_to_say_says_nothing() -> None:
    assert answer(write("u", ALLOWED)) == {"uid": "u", "allowed": True}


def test_a_refusal_tells_every_problem_and_is_never_a_page_long() -> None:
    two = refused([Problem("spec.a", "is wrong"), Problem("spec.b", "is, too")], [Problem("spec.c", "is odd")])
    assert answer(write("u", two)) == {
        "uid": "u",
        "allowed": False,
        "status": {"message": "spec.a: is wrong; spec.b: is, too"},
        "warnings": ["spec.c: is odd"],
    }
    many = refused([Problem(f"spec.field{number}", "is wrong") for number in range(1000)])
    assert len(many.message) < module.LONGEST_WORDS + 100
    assert "1000 problems in all" in many.message


def test_what_was_not_judged_is_said_to_the_audit_log_too() -> None:
    response = answer(write("u", Answer(message="left as it is", failed=True)))
    assert response["allowed"]
    assert response["auditAnnotations"] == {"unjudged": "left as it is"}
