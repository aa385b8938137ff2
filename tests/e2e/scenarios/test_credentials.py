"""Where credentials come from, read with the rights that deploy/ gives: a source that wants a bearer token."""

from typing import Any

import pytest

from tests.controlplane.api import Object
from tests.e2e.installation import NAMESPACE
from tests.e2e.side_by_side import scenario
from tests.e2e.source import Knob
from tests.e2e.stage import Stage, trigger

TOKEN = "opensesame"
QUICK = {"pollingInterval": 2, "cooldownPeriod": 2, "maxReplicaCount": 5}
SECRETS, CONFIG_MAPS = "/api/v1/secrets", "/api/v1/configmaps"


def authentication(stage: Stage, kind: str = "TriggerAuthentication", **spec: Any) -> Object:
    """Make it, under the namespace's name; the reference to it."""
    name = f"keys-{stage.namespace}"
    stage.apply({"apiVersion": "keda.sh/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec})
    return {"name": name, "kind": kind}


def bearing(knob: Knob, reference: Object | None, **metadata: str) -> Object:
    with_reference = {"authenticationRef": reference} if reference else {}
    return trigger(knob, 5, metadata={"authMode": "bearer", **metadata}, **with_reference)


def reference_to(name: str) -> list[Object]:
    return [{"parameter": "token", "name": name, "key": "token"}]


def container(**variables: Object) -> Object:
    return {"name": "main", "image": "none", "env": [{"name": name, **value} for name, value in variables.items()]}


@pytest.mark.parametrize("kind", ["secretTargetRef", "configMapTargetRef"])
@scenario
def test_a_token_comes_from_the_objects_own_namespace(stage: Stage, kind: str) -> None:
    where = SECRETS if kind == "secretTargetRef" else CONFIG_MAPS
    data = "stringData" if kind == "secretTargetRef" else "data"
    stage.api.create(stage.within(where), {"metadata": {"name": "keys"}, data: {"token": TOKEN}})
    load = stage.source()
    load.says(15, TOKEN)
    stage.deployment()
    stage.scaled_object(bearing(load, authentication(stage, **{kind: reference_to("keys")})), **QUICK)
    stage.until_replicas(3)
    stage.until(
        lambda: stage.status().get("authenticationsTypes") == f"keys-{stage.namespace}", "authenticationsTypes"
    )


@scenario
def test_a_cluster_wide_authentication_reads_secrets_of_the_operators_namespace(stage: Stage) -> None:
    name = f"keys-{stage.namespace}"
    folder = f"/api/v1/namespaces/{NAMESPACE}/secrets"
    stage.api.create(folder, {"metadata": {"name": name}, "stringData": {"token": TOKEN}})
    load = stage.source()
    load.says(15, TOKEN)
    stage.deployment()
    wide = authentication(stage, "ClusterTriggerAuthentication", secretTargetRef=reference_to(name))
    stage.scaled_object(bearing(load, wide), **QUICK)
    stage.until_replicas(3)
    path = f"/apis/keda.sh/v1alpha1/clustertriggerauthentications/{name}"
    stage.delete()
    stage.api.delete(path)
    stage.until(lambda: stage.api.found(path) is None, "the authentication to go, finalizer and all")
    stage.api.delete(f"{folder}/{name}")


@scenario
def test_a_token_comes_from_the_environment_of_the_targets_container(stage: Stage) -> None:
    stage.api.create(stage.within(SECRETS), {"metadata": {"name": "keys"}, "stringData": {"token": TOKEN}})
    stage.deployment(containers=[container(TOKEN={"valueFrom": {"secretKeyRef": {"name": "keys", "key": "token"}}})])
    load = stage.source()
    load.says(15, TOKEN)
    stage.scaled_object(bearing(load, authentication(stage, env=[{"parameter": "token", "name": "TOKEN"}])), **QUICK)
    stage.until_replicas(3)


@scenario
def test_parameters_come_from_the_environment_of_the_targets_container(stage: Stage) -> None:
    """A queue and its keys by the names of variables: a ConfigMap, a Secret, and one variable in another."""
    queue = stage.aws.queue(f"env-{stage.namespace}")
    stage.aws.send(queue, 15)
    stage.api.create(stage.within(SECRETS), {"metadata": {"name": "keys"}, "stringData": {"secret": "testing"}})
    stage.api.create(
        stage.within(CONFIG_MAPS), {"metadata": {"name": "place"}, "data": {"HOST": queue.rpartition("/")[0]}}
    )
    variables = {
        "QUEUE": {"value": f"$(HOST)/{queue.rpartition('/')[2]}"},
        "KEY": {"value": "testing"},
        "SECRET": {"valueFrom": {"secretKeyRef": {"name": "keys", "key": "secret"}}},
    }
    main = container(**variables)
    stage.deployment(containers=[{**main, "envFrom": [{"configMapRef": {"name": "place"}}]}])
    metadata = {
        "queueURLFromEnv": "QUEUE",
        "queueLength": "5",
        "awsRegion": "eu-west-1",
        "awsAccessKeyIDFromEnv": "KEY",
        "awsSecretAccessKeyFromEnv": "SECRET",
    }
    stage.scaled_object({"type": "aws-sqs-queue", "metadata": metadata}, **QUICK)
    stage.until_replicas(3)


@scenario
def test_a_rotated_secret_is_read_anew_when_the_old_one_fails(stage: Stage) -> None:
    """Nobody has to touch the ScaledObject; meanwhile the replicas are held."""
    path = stage.within(SECRETS)
    stage.api.create(path, {"metadata": {"name": "keys"}, "stringData": {"token": TOKEN}})
    load = stage.source()
    load.says(10, TOKEN)
    stage.deployment()
    stage.scaled_object(bearing(load, authentication(stage, secretTargetRef=reference_to("keys"))), **QUICK)
    stage.until_replicas(2)
    load.says(20, "changed")
    stage.until_condition("Ready", "False", "TriggerError")
    assert "401" in stage.message("Ready")
    stage.stays(2, 4)
    stage.api.patch(f"{path}/keys", {"stringData": {"token": "changed"}})
    stage.until_replicas(4)
    stage.until_ready()
    assert TOKEN not in stage.scene()


@scenario
def test_an_authentication_that_comes_late_or_changes_counts_at_once(stage: Stage) -> None:
    stage.api.create(stage.within(SECRETS), {"metadata": {"name": "old"}, "stringData": {"token": "old"}})
    stage.api.create(stage.within(SECRETS), {"metadata": {"name": "new"}, "stringData": {"token": TOKEN}})
    load = stage.source()
    load.says(15, TOKEN)
    stage.deployment()
    name = f"keys-{stage.namespace}"
    stage.scaled_object(bearing(load, {"name": name}), **{**QUICK, "pollingInterval": 30})
    stage.until_condition("Ready", "False", "ScaledObjectCheckFailed")
    assert name in stage.message("Ready")
    authentication(stage, secretTargetRef=reference_to("old"))
    stage.until_condition("Ready", "False", "TriggerError")
    authentication(stage, secretTargetRef=reference_to("new"))
    stage.until_replicas(3, timeout=20)
    stage.until_ready()
