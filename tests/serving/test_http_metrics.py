"""Requests of triggers under upstream's names; who sends them is tried with real triggers in test_prometheus."""

from prometheus_client.parser import text_string_to_metric_families

from scaler.serving.exposition import page
from scaler.serving.http_metrics import HttpMetrics
from scaler.triggers.http import Asker

WEB = Asker("shop", "web", "prometheus", "load", "s0-prometheus")
MAIL = Asker("shop", "mail", "prometheus", "", "s1-prometheus")
HERE = {("shop", "web"), ("shop", "mail")}
REQUESTS, DURATIONS = "keda_scaler_http_requests_total", "keda_scaler_http_request_duration_seconds"


def read(metrics, here=HERE):
    families = text_string_to_metric_families(page(metrics.families(here)).decode())
    return [sample for family in families for sample in family.samples]


def counted(metrics, here=HERE):
    return {
        (one.labels["scaled_resource"], one.labels["status_code"]): one.value
        for one in read(metrics, here)
        if one.name == REQUESTS
    }


def test_requests_are_counted_by_trigger_and_status():
    metrics = HttpMetrics()
    for asker, status in ((WEB, "200"), (WEB, "200"), (WEB, "503"), (MAIL, "error")):
        metrics.record(asker, status, 0.03)
    assert counted(metrics) == {("web", "200"): 2, ("web", "503"): 1, ("mail", "error"): 1}
    (sample,) = [one for one in read(metrics) if one.name == REQUESTS and one.labels["status_code"] == "503"]
    assert sample.labels == {
        "namespace": "shop",
        "scaled_resource": "web",
        "scaler": "prometheus",
        "trigger_name": "load",
        "metric_name": "s0-prometheus",
        "status_code": "503",
    }


def test_durations_are_a_histogram_of_each_type_and_status():
    metrics = HttpMetrics()
    for seconds in (0.004, 0.005, 0.3, 20.0):
        metrics.record(WEB, "200", seconds)
    metrics.record(MAIL, "200", 0.3)
    buckets = {one.labels["le"]: one.value for one in read(metrics) if one.name == f"{DURATIONS}_bucket"}
    assert (buckets["0.005"], buckets["0.25"], buckets["0.5"], buckets["10.0"], buckets["+Inf"]) == (2, 2, 4, 4, 5)
    (total,) = [one for one in read(metrics) if one.name == f"{DURATIONS}_sum"]
    assert total.labels == {"scaler": "prometheus", "status_code": "200"}
    assert total.value == 20.609
    (count,) = [one for one in read(metrics) if one.name == f"{DURATIONS}_count"]
    assert count.value == 5


def test_on_request_durations_have_the_labels_of_the_object_too():
    metrics = HttpMetrics(detailed=True)
    metrics.record(WEB, "200", 0.1)
    metrics.record(MAIL, "200", 0.1)
    counts = [one for one in read(metrics) if one.name == f"{DURATIONS}_count"]
    assert [one.labels["scaled_resource"] for one in counts] == ["mail", "web"]


def test_an_object_that_is_gone_takes_its_samples_along():
    metrics = HttpMetrics(detailed=True)
    metrics.record(WEB, "200", 0.1)
    metrics.record(MAIL, "200", 0.1)
    assert counted(metrics, {("shop", "web")}) == {("web", "200"): 1}
    assert counted(metrics) == {("web", "200"): 1}
