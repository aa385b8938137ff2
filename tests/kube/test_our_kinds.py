from collections.abc import Callable

import msgspec
import pytest

from scaler.api import schema
from scaler.api.authentication import ClusterTriggerAuthentication
from scaler.api.meta import ObjectRef, Raw
from scaler.api.scaledobject import ScaledObject
from scaler.errors import Problem
from scaler.kube.our_kinds import KINDS, Identity, OurKind, Undecodable, identity, read
from tests.kube.conftest import scaled_object

BY_NAME = {kind.name: kind for kind in KINDS}
SCALED_OBJECT = BY_NAME["ScaledObject"]


def encoded(body: Raw) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(body))


def made(**spec: object) -> Raw:
    body = scaled_object("so", namespace="a", uid="u", resourceVersion="7")
    body["spec"] |= spec
    return body


def test_an_object_reads_the_same_encoded_and_decoded() -> None:
    body = made(pollingInterval=5)
    plain = read(SCALED_OBJECT, body)
    assert isinstance(plain, ScaledObject)
    assert plain == read(SCALED_OBJECT, encoded(body))
    assert (plain.spec.polling, plain.metadata.resource_version) == (5.0, "7")
    assert identity(body) == identity(encoded(body)) == Identity("so", "a", "u", "7")


def test_each_kind_reads_into_its_model() -> None:
    body = {"metadata": {"name": "c", "uid": "u"}, "spec": {"env": [{"parameter": "p", "name": "n"}]}}
    found = read(BY_NAME["ClusterTriggerAuthentication"], body)
    assert isinstance(found, ClusterTriggerAuthentication)
    assert found.ref == ObjectRef("ClusterTriggerAuthentication", "", "c", "keda.sh/v1alpha1", "u")


@pytest.mark.parametrize("whole", [True, False])
def test_what_cannot_be_read_says_all_that_is_wrong_with_it(whole: bool) -> None:
    body = made(pollingInterval="often", triggers=[{"type": "cron", "metadata": {"desiredReplicas": 2}}])
    found = read(SCALED_OBJECT, encoded(body) if whole else body)
    assert isinstance(found, Undecodable)
    assert (found.ref, found.raw) == (ObjectRef("ScaledObject", "a", "so", "keda.sh/v1alpha1", "u"), body)
    assert sorted(problem.path for problem in found.problems) == [
        "spec.pollingInterval",
        "spec.triggers[0].metadata.desiredReplicas",
    ]


def test_an_object_without_a_spec_cannot_be_read() -> None:
    found = read(SCALED_OBJECT, {"metadata": {"name": "so"}})
    assert isinstance(found, Undecodable)
    assert "spec" in str(found.problems[0])


def broken(*_: object) -> list[Problem]:
    raise ValueError("bug")


@pytest.mark.parametrize("validate", [lambda *_: [], broken])
def test_where_the_definition_says_nothing_the_decoders_words_are_told(
    monkeypatch: pytest.MonkeyPatch, validate: Callable[..., list[Problem]]
) -> None:
    monkeypatch.setattr(schema, "validate", validate)
    kind = OurKind("ScaledObject", SCALED_OBJECT.resource, ScaledObject)
    found = read(kind, made(pollingInterval="often"))
    assert isinstance(found, Undecodable)
    assert str(found.problems[0]) == "spec.pollingInterval: Expected `int | null`, got `str`"
