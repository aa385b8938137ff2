"""Settings of somebody else's are read and put where they stand, and back exactly."""

import copy
from typing import Any

import pytest

from scaler.kube.resources import API_SERVICES, DEPLOYMENTS, MUTATING_WEBHOOKS
from scaler.takeover.fields import (
    EnvField,
    Field,
    FlagField,
    Place,
    ReplicasField,
    SelectorField,
    ServiceField,
    flag_value,
)

PLACE = Place(DEPLOYMENTS, "Deployment", "keda", "keda-operator")
ENV = EnvField(PLACE, "keda-operator", "WATCH_NAMESPACE")
FLAG = FlagField(PLACE, "keda-operator", "--enable-apiservice-patching")


def deployment(*arguments: str, **container: Any) -> dict[str, Any]:
    args = {"args": list(arguments)} if arguments else {}
    containers = [{"name": "sidecar"}, {"name": "keda-operator", **args, **container}]
    return {"spec": {"replicas": 2, "template": {"spec": {"containers": containers}}}}


@pytest.mark.parametrize(
    ("field", "body", "value"),
    [
        (ENV, deployment(env=[{"name": "A", "value": "1"}, {"name": "WATCH_NAMESPACE", "value": ""}, {"name": "Z"}]), {"name": "WATCH_NAMESPACE", "value": "a,b"}),
        (ENV, deployment(env=[{"name": "A", "value": "1"}]), {"name": "WATCH_NAMESPACE", "value": "a"}),
        (ENV, deployment(), {"name": "WATCH_NAMESPACE", "value": "a"}),
        (FLAG, deployment("--leader-elect", "--enable-apiservice-patching=true", "--last"), ["--enable-apiservice-patching=false"]),
        (FLAG, deployment("--enable-apiservice-patching", "--last"), ["--enable-apiservice-patching=false"]),
        (FLAG, deployment("-enable-apiservice-patching", "true", "--last"), ["--enable-apiservice-patching=false"]),
        (FLAG, deployment("--last"), ["--enable-apiservice-patching=false"]),
        (FLAG, deployment(), ["--enable-apiservice-patching=false"]),
        (ReplicasField(PLACE), deployment(), 0),
        (
            ServiceField(Place(API_SERVICES, "APIService", "", "v1beta1.external.metrics.k8s.io")),
            {"spec": {"group": "g", "service": {"name": "a", "namespace": "b"}, "insecureSkipTLSVerify": True}},
            {"service": {"name": "x", "namespace": "y", "port": 443}, "caBundle": "QQ=="},
        ),
        (
            SelectorField(Place(MUTATING_WEBHOOKS, "MutatingWebhookConfiguration", "", "vpa-webhook-config")),
            {"webhooks": [{"name": "vpa.k8s.io", "namespaceSelector": {}}, {"name": "other"}]},
            {"vpa.k8s.io": {"matchLabels": {"a": "b"}}, "other": None},
        ),
    ],
)  # fmt: skip
def test_a_setting_is_put_and_put_back_exactly(field: Field, body: dict[str, Any], value: Any) -> None:
    before = copy.deepcopy(body)
    original = field.read(body)
    changed = field.put(body, value)
    assert body == before
    assert field.read(changed) == value
    assert changed != before
    assert field.put(changed, original) == before


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        (["--x=1"], "1"),
        (["-x", "1"], "1"),
        (["--x"], "true"),
        (["--x", "--y"], "true"),
        (["--x=1", "--x=2"], "2"),
        (["--xy=1"], None),
        ([], None),
    ],
)
def test_a_flag_is_read_as_go_reads_it(arguments: list[str], value: str | None) -> None:
    assert flag_value(arguments, "--x") == value


def test_every_value_has_words() -> None:
    assert ENV.shown(None) == "not set"
    assert ENV.shown({"name": "W", "value": ""}) == "empty"
    assert ENV.shown({"name": "W", "value": "a,b"}) == "a,b"
    assert FLAG.shown(["--x", "1"]) == "--x 1"
    assert (
        ServiceField(PLACE).shown({"service": {"name": "a", "namespace": "b"}}) == "b/a:443, trusted by its authority"
    )
