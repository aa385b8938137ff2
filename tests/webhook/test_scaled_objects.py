"""ScaledObjects and authentications are refused for what `scaler validate` finds, with the cluster around them."""

import subprocess
from typing import Any

import pytest
import yaml

from tests.controlplane.cluster import Cluster
from tests.processes import wait_until
from tests.webhook.conftest import Object, Webhook

SQS = {
    "queueURL": "https://sqs.eu-west-1.amazonaws.com/1/work",
    "awsRegion": "eu-west-1",
    "identityOwner": "operator",
}


def scaled(
    name: str = "worker", *triggers: Object, target: str = "worker", metadata: Any = None, **spec: Any
) -> Object:
    found = list(triggers) or [{"type": "aws-sqs-queue", "metadata": SQS}]
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": name, **(metadata or {})},
        "spec": {"scaleTargetRef": {"name": target}, "triggers": found, **spec},
    }


def authentication(**spec: Any) -> Object:
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "TriggerAuthentication",
        "metadata": {"name": "aws"},
        "spec": spec,
    }


class Door:
    """kubectl in one namespace, whose objects the webhook judges."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster, self.namespace = cluster, namespace

    def apply(self, obj: Object, *flags: str) -> subprocess.CompletedProcess[str]:
        command = [*self.cluster.kubectl_command, "--kubeconfig", str(self.cluster.kubeconfig)]
        command += ["apply", "-n", self.namespace, *flags, "-f", "-"]
        return subprocess.run(command, input=yaml.safe_dump(obj), capture_output=True, text=True, check=False)

    def accepts(self, obj: Object) -> str:
        """What is said besides."""
        done = self.apply(obj)
        assert done.returncode == 0, done.stderr
        return done.stderr

    def refuses(self, obj: Object, *flags: str) -> str:
        done = self.apply(obj, *flags)
        assert done.returncode != 0, done.stdout
        return done.stderr


@pytest.fixture
def door(cluster: Cluster, webhook: Webhook, namespace: str) -> Door:
    return Door(cluster, namespace)


def workload(requests: Any = None) -> Object:
    labels = {"app": "worker"}
    container = {"name": "main", "image": "none", "resources": {"requests": requests or {}}}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "worker"}, "spec": spec}


CPU = {"type": "cpu", "metricType": "Utilization", "metadata": {"value": "50"}}


def test_what_is_right_is_accepted_without_a_word(door: Door) -> None:
    assert door.accepts(scaled()) == ""


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (scaled(idleReplicaCount=3, minReplicaCount=2), "spec.idleReplicaCount: 3 is not below minReplicaCount 2"),
        (
            scaled(
                "worker",
                {"type": "aws-sqs-queue", "name": "a", "metadata": SQS},
                {
                    "type": "cron",
                    "name": "a",
                    "metadata": {"timezone": "UTC", "start": "0 8 * * *", "end": "0 9 * * *", "desiredReplicas": "2"},
                },
            ),
            "names are unique",
        ),
        (scaled("worker", {"type": "aws-sqs-queue", "metadata": {**SQS, "queueLength": "many"}}), "queueLength"),
        (scaled("worker", {"type": "aws-sqs", "metadata": SQS}), "is not a trigger type of this build"),
        (scaled(advanced={"scalingModifiers": {"formula": "a +", "target": "1"}}), "scalingModifiers.formula"),
        (scaled(metadata={"annotations": {"kube-scaler.dev/no-data": "perhaps"}}), "is none of upstream and strict"),
    ],
)
def test_what_validate_refuses_is_refused_in_the_same_words(door: Door, wrong: Object, words: str) -> None:
    said = door.refuses(wrong)
    assert 'admission webhook "scaledobjects.kube-scaler.dev" denied the request' in said
    assert words in said


def test_a_second_object_on_one_workload_is_refused(door: Door) -> None:
    door.accepts(scaled())
    # the webhook learns of the first by watching
    wait_until(
        lambda: door.apply(scaled("other"), "--dry-run=server").returncode != 0, "the webhook to know the first"
    )
    said = door.refuses(scaled("other"))
    assert "Deployment worker is scaled by ScaledObject worker already" in said


def test_an_hpa_on_the_same_workload_is_refused(door: Door) -> None:
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "worker"}
    metric = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
    }
    hpa = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "mine"}}
    door.accepts({**hpa, "spec": {"scaleTargetRef": reference, "maxReplicas": 3, "metrics": [metric]}})
    wait_until(lambda: door.apply(scaled(), "--dry-run=server").returncode != 0, "the webhook to know the HPA")
    assert "is scaled by HPA mine already" in door.refuses(scaled())


def test_a_cpu_trigger_needs_requests_at_the_target(door: Door) -> None:
    assert door.apply(scaled("worker", CPU, minReplicaCount=1), "--dry-run=server").returncode == 0
    door.accepts(workload())
    said = door.refuses(scaled("worker", CPU, minReplicaCount=1))
    assert "container main of the target requests no cpu" in said
    limit = {"type": "Container", "defaultRequest": {"cpu": "100m"}}
    door.accepts(
        {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "some"}, "spec": {"limits": [limit]}}
    )
    assert door.accepts(scaled("worker", CPU, minReplicaCount=1)) == ""


def test_an_authentication_that_is_there_must_give_what_the_trigger_needs(door: Door) -> None:
    own = {key: value for key, value in SQS.items() if key != "identityOwner"}
    trigger = {"type": "aws-sqs-queue", "metadata": own, "authenticationRef": {"name": "aws"}}
    assert door.apply(scaled("worker", trigger), "--dry-run=server").returncode == 0
    key = {"parameter": "awsAccessKeyID", "name": "s", "key": "id"}
    door.accepts(authentication(secretTargetRef=[key]))
    assert "parameter awsSecretAccessKey is required" in door.refuses(scaled("worker", trigger))


def test_what_has_no_effect_is_warned_of(door: Door) -> None:
    said = door.accepts(scaled(minReplicaCount=1, cooldownPeriod=30))
    assert "Warning: spec.cooldownPeriod has no effect" in said


def test_who_only_takes_a_finalizer_away_is_not_asked_for_more(door: Door, cluster: Cluster) -> None:
    """Written when nobody judged, and going on its way."""
    where = f"/apis/keda.sh/v1alpha1/namespaces/{door.namespace}/scaledobjects"
    made = scaled(metadata={"finalizers": ["example.com/x"]})
    cluster.api.create(where, made)
    door.accepts(scaled("other", target="other"))
    cluster.api.patch(f"{where}/worker", {"metadata": {"finalizers": ["example.com/y"]}})
    cluster.api.delete(f"{where}/worker")
    cluster.api.patch(f"{where}/worker", {"metadata": {"finalizers": []}})
    assert cluster.api.found(f"{where}/worker") is None


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"filePath": "/x"}, "spec.filePath: is read of a ClusterTriggerAuthentication only"),
        (
            {"podIdentity": {"provider": "aws", "externalID": "x"}},
            "spec.podIdentity.externalID: needs roleArn beside it",
        ),
    ],
)
def test_an_authentication_is_judged_too(door: Door, spec: Object, words: str) -> None:
    said = door.refuses(authentication(**spec))
    assert 'admission webhook "triggerauthentications.kube-scaler.dev" denied the request' in said
    assert words in said


def test_a_cluster_wide_authentication_is_judged_too(door: Door) -> None:
    wrong = authentication(podIdentity={"provider": "aws", "externalID": "x"}) | {
        "kind": "ClusterTriggerAuthentication"
    }
    assert "needs roleArn beside it" in door.refuses(wrong)


def test_a_credential_that_nobody_asks_is_warned_of(door: Door) -> None:
    vault = {"address": "a", "authentication": "token", "secrets": [{"parameter": "p", "path": "x", "key": "k"}]}
    assert "Warning: spec.hashiCorpVault: is not asked by this version" in door.accepts(
        authentication(hashiCorpVault=vault)
    )


def test_a_vpa_is_refused_in_kubectls_words(door: Door) -> None:
    vpa = {
        "apiVersion": "autoscaling.k8s.io/v1beta2",
        "kind": "VerticalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {"targetRef": {"kind": "Deployment", "name": "web"}, "updatePolicy": {"minReplicas": 0}},
    }
    said = door.refuses(vpa)
    assert said.startswith("Error from server")
    assert 'admission webhook "vpa.k8s.io" denied the request: spec.updatePolicy.updateMode: is required' in said
    assert "spec.updatePolicy.minReplicas: 0 is too few: write 1 or more" in said
