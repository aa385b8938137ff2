import json

import pytest

from scaler.serving.explanations import AskedObject
from scaler.serving.external_metrics import Asked
from scaler.serving.reviews import Attributes
from scaler.serving.routes import EXPLAINED, ROOT, Routes, selected_object

METRIC = f"{ROOT}/namespaces/shop/s0-queue"


def status_and_body(answer):
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


@pytest.mark.parametrize(
    ("selector", "name"),
    [
        ("scaledobject.keda.sh/name=web", "web"),
        ("scaledobject.keda.sh/name==web", "web"),
        ("scaledobject.keda.sh/name in (web)", "web"),
        (" scaledobject.keda.sh/name = web ", "web"),
        ("a=b,scaledobject.keda.sh/name=web.app-1,c!=d", "web.app-1"),
        ("", ""),
        ("scaledobject.keda.sh/name", ""),
        ("scaledobject.keda.sh/name!=web", ""),
        ("scaledobject.keda.sh/name in (a,b)", ""),
        ("scaledobject.keda.sh/names=web", ""),
        ("xscaledobject.keda.sh/name=web", ""),
        ("scaledobjectXkeda.sh/name=web", ""),
    ],
)
def test_a_selector_names_an_object_only_when_it_names_exactly_one(selector, name):
    assert selected_object(selector) == name


def test_the_hpa_controllers_url_is_a_list_of_that_metric():
    route = Routes().find(f"{METRIC}?labelSelector=scaledobject.keda.sh%2Fname%3Dweb")
    assert route.asked == Asked("shop", "s0-queue", "web")
    assert route.questions == (
        Attributes("list", "", "external.metrics.k8s.io", "v1beta1", "*", ""),
        Attributes("list", "", "external.metrics.k8s.io", "v1beta1", "s0-queue", "shop"),
    )


def test_names_are_decoded_once():
    route = Routes().find(f"{ROOT}/namespaces/shop/s0-a%2Fb%2520?labelSelector=scaledobject.keda.sh/name=web")
    assert route.asked.metric == "s0-a/b%20"


@pytest.mark.parametrize("query", ["", "?labelSelector=", "?labelSelector=app%3Dweb", "?limit=500"])
def test_a_read_without_the_objects_name_is_refused_with_what_would_be_right(query):
    status, body = status_and_body(Routes().find(METRIC + query).answer)
    assert (status, body["reason"]) == (400, "BadRequest")
    assert "scaledobject.keda.sh/name=NAME" in body["message"]


def test_discovery_names_one_resource_for_all_metrics():
    routes = Routes()
    status, groups = status_and_body(routes.find("/apis").answer)
    assert status == 200
    assert [group["preferredVersion"]["groupVersion"] for group in groups["groups"]] == [
        "external.metrics.k8s.io/v1beta1",
        "explain.kube-scaler.dev/v1alpha1",
    ]
    assert status_and_body(routes.find("/apis/external.metrics.k8s.io").answer)[1]["kind"] == "APIGroup"
    (resource,) = status_and_body(routes.find(f"{ROOT}?timeout=32s").answer)[1]["resources"]
    assert (resource["name"], resource["kind"]) == ("externalmetrics", "ExternalMetricValueList")
    assert (resource["namespaced"], resource["verbs"]) == (True, ["get"])
    aggregated = routes.find("/apis").aggregated
    assert b"as=APIGroupDiscoveryList\r\n" in aggregated
    assert status_and_body(aggregated)[1]["kind"] == "APIGroupDiscoveryList"


def test_an_explanation_is_asked_for_by_its_objects_name():
    route = Routes().find(f"{EXPLAINED}/namespaces/shop/explanations/web?pretty=true")
    assert route.explained == AskedObject("shop", "web")
    assert route.questions == (Attributes("get", "", "keda.sh", "v1alpha1", "scaledobjects", "shop", "web"),)
    (resource,) = status_and_body(Routes().find(EXPLAINED).answer)[1]["resources"]
    assert (resource["name"], resource["singularName"], resource["kind"]) == (
        "explanations",
        "explanation",
        "Explanation",
    )


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        f"{EXPLAINED}/namespaces/shop/explanations",
        f"{ROOT}/externalmetrics",
        f"{ROOT}/namespaces/shop",
        f"{METRIC}/name/status",
        "/apis/apps/v1",
        "//",
    ],
)
def test_what_is_not_here_is_not_found_and_takes_a_permission(path):
    route = Routes().find(path)
    if path == "//":
        assert route.questions == (Attributes("get", "/"),)
        return
    assert status_and_body(route.answer)[0] == 404
    assert route.questions == (Attributes("get", path),)


def test_the_same_url_is_understood_once_and_memory_is_bounded(monkeypatch):
    monkeypatch.setattr("scaler.serving.routes._KNOWN_AT_ONCE", 3)
    routes = Routes()
    first = routes.find("/apis")
    assert routes.find("/apis") is first
    for number in range(4):
        routes.find(f"/{number}")
    assert len(routes._known) <= 3
