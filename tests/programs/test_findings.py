"""Manifests beside each other, and every kind of mistake at its place."""

import re
from pathlib import Path

import pytest

from scaler.programs.findings import Found, find
from scaler.programs.manifests import parsed

EXAMPLE = """
apiVersion: keda.sh/v1alpha1
kind: TriggerAuthentication
metadata: {name: aws}
spec:
  secretTargetRef:
  - {parameter: awsAccessKeyID, name: s, key: id}
  - {parameter: awsSecretAccessKey, name: s, key: secret}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: worker}
spec:
  scaleTargetRef: {name: worker}
  triggers:
  - type: aws-sqs-queue
    authenticationRef: {name: aws}
    metadata: {queueURL: "https://sqs.eu-west-1.amazonaws.com/1/work", awsRegion: eu-west-1}
"""


def judged(*texts: str, asked: bool = True) -> Found:
    read = [one for number, text in enumerate(texts) for one in parsed(text, f"{number}.yaml", asked)]
    return find(read, "default")


def told(found: Found, severity: str = "error") -> list[tuple[int, str, str]]:
    return [(one.line, one.path, one.message) for one in found.findings if one.severity == severity]


def scaled(name: str = "worker", extra: str = "", metadata: str = "") -> str:
    return f"""
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {{name: {name}{metadata}}}
spec:
  scaleTargetRef: {{name: worker}}
{extra}
  triggers:
  - type: aws-sqs-queue
    metadata: {{queueURL: "https://sqs.eu-west-1.amazonaws.com/1/work", awsRegion: eu-west-1, identityOwner: operator}}
"""


def test_a_right_set_has_nothing_to_tell() -> None:
    found = judged(EXAMPLE)
    assert (found.findings, found.objects, found.others) == ((), 2, 0)


def test_two_objects_on_one_workload_are_told_at_both() -> None:
    found = judged(scaled(), scaled("other"))
    assert [(one.file, one.path) for one in found.findings] == [
        ("0.yaml", "spec.scaleTargetRef"),
        ("1.yaml", "spec.scaleTargetRef"),
    ]


def test_two_namespaces_do_not_meet() -> None:
    assert judged(scaled(), scaled("other", metadata=", namespace: elsewhere")).findings == ()


def test_an_object_that_stands_twice_is_told_with_both_places() -> None:
    ((_, path, message),) = told(judged(scaled(), scaled()))
    assert path == "metadata.name"
    assert message == "ScaledObject worker stands in 0.yaml:4 already: the later one wins"


def test_an_hpa_on_the_same_workload_is_told() -> None:
    hpa = (
        "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: mine}, "
        "spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: worker}}}"
    )
    ((_, path, message),) = told(judged(scaled(), hpa))
    assert path == "spec.scaleTargetRef"
    assert "HPA mine" in message


def test_a_workload_without_requests_is_told_when_it_is_in_the_set() -> None:
    workload = (
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: worker}, "
        "spec: {template: {spec: {containers: [{name: main}]}}}}"
    )
    cpu = (
        scaled(extra="  minReplicaCount: 1")
        .replace("aws-sqs-queue", "cpu")
        .replace(
            'queueURL: "https://sqs.eu-west-1.amazonaws.com/1/work", awsRegion: eu-west-1, identityOwner: operator',
            'value: "50"',
        )
    )
    messages = [message for _, path, message in told(judged(cpu, workload)) if path == "spec.triggers[0]"]
    assert messages == ["container main of the target requests no cpu: it needs to"]


def test_a_forgotten_quote_does_not_hide_what_else_is_wrong() -> None:
    text = scaled(extra="  minReplicaCount: 30\n  maxReplicaCount: 20").replace(
        "queueURL", "queueLength: 5, queueURL"
    )
    assert [path for _, path, _ in told(judged(text))] == [
        "spec.minReplicaCount",
        "spec.triggers[0].metadata.queueLength",
    ]


def test_a_formula_that_cannot_be_read_is_told() -> None:
    extra = '  advanced: {scalingModifiers: {formula: "a +", target: "1"}}'
    assert "spec.advanced.scalingModifiers.formula" in [path for _, path, _ in told(judged(scaled(extra=extra)))]


def test_trigger_parameters_are_judged_at_their_line() -> None:
    text = scaled().replace("    metadata: {queueURL", "    metadata:\n      {x: y, queueUrl")
    found = judged(text)
    assert (10, "spec.triggers[0].metadata.queueURL") in [(line, path) for line, path, _ in told(found)]
    assert [path for _, path, _ in told(found, "warning")] == [
        "spec.triggers[0].metadata.x",
        "spec.triggers[0].metadata.queueUrl",
    ]


def test_an_authentication_in_the_set_must_give_what_the_trigger_needs() -> None:
    text = EXAMPLE.replace("  - {parameter: awsSecretAccessKey, name: s, key: secret}\n", "")
    ((line, path, message),) = told(judged(text))
    assert (line, path) == (16, "spec.triggers[0].authenticationRef")
    assert message.startswith("parameter awsSecretAccessKey is required")


def test_what_an_authentication_elsewhere_gives_is_not_guessed() -> None:
    assert told(judged(EXAMPLE.partition("---")[2])) == []


def test_a_value_that_only_the_cluster_knows_is_not_judged() -> None:
    text = (
        EXAMPLE.replace("aws-sqs-queue", "redis")
        .replace("awsAccessKeyID", "enableTLS")
        .replace("awsSecretAccessKey", "address")
    )
    found = judged(re.sub("metadata: {queueURL.*", "metadata: {listName: a}", text))
    assert told(found) == []


def test_an_authentication_of_another_kind_or_namespace_is_a_hint() -> None:
    ((_, path, message),) = told(judged(EXAMPLE.replace("TriggerAuth", "ClusterTriggerAuth")), "warning")
    assert (path, message[-34:]) == (
        "spec.triggers[0].authenticationRef.kind",
        "write kind: ClusterTriggerAuthentication"[-34:],
    )
    elsewhere = EXAMPLE.replace("metadata: {name: aws}", "metadata: {name: aws, namespace: other}")
    ((_, path, message),) = told(judged(elsewhere), "warning")
    assert message == "aws stands in namespace other here, and is looked for in default"


def test_a_source_of_credentials_that_is_not_asked_is_a_warning() -> None:
    vault = "hashiCorpVault: {address: a, authentication: token, secrets: [{parameter: p, path: x, key: k}]}"
    text = f"{{apiVersion: keda.sh/v1alpha1, kind: TriggerAuthentication, metadata: {{name: a}}, spec: {{{vault}}}}}"
    ((_, path, _),) = told(judged(text), "warning")
    assert path == "spec.hashiCorpVault"


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        ("{apiVersion: keda.sh/v1alpha1, kind: ScaledJob}", "kind", "that this version does not serve"),
        (
            "{apiVersion: eventing.keda.sh/v1alpha1, kind: CloudEventSource}",
            "kind",
            "that this version does not serve",
        ),
        ("{apiVersion: keda.sh/v1alpha1, kind: scaledobject}", "kind", "did you mean ScaledObject?"),
        ("{apiVersion: keda.sh/v1alpha1, kind: ScaleObject}", "kind", "did you mean ScaledObject?"),
        ("{apiVersion: keda.sh/v1alpha1, kind: X}", "kind", "there are ScaledObject"),
        ("{apiVersion: keda.k8s.io/v1alpha1, kind: ScaledObject}", "apiVersion", "which was KEDA 1's: write keda.sh"),
        ("{apiVersion: keda.sh/v1, kind: ScaledObject}", "apiVersion", "is not served: write keda.sh/v1alpha1"),
        ("{kind: ScaledObject}", "apiVersion", "is required: keda.sh/v1alpha1"),
        ("{apiVersion: keda.sh/v1alpha1}", "kind", "is required"),
        ("[1]", "", "is no object"),
        ("a: 1", "", "it has neither apiVersion nor kind"),
    ],
)
def test_what_is_no_object_of_ours_is_told(text: str, path: str, words: str) -> None:
    ((_, where, message),) = told(judged(text))
    assert where == path
    assert words in message


def test_what_lies_in_a_folder_beside_manifests_is_let_be() -> None:
    found = judged("replicas: 1\nimage: x\n", "- a\n- b\n", asked=False)
    assert (found.findings, found.objects) == ((), 0)


def test_the_example_of_the_documentation_is_right() -> None:
    everything = (Path(__file__).parent.parent / "api" / "everything.yaml").read_text()
    found = judged(everything)
    assert {one.path for one in found.findings} <= {
        "spec.triggers[0].authenticationRef",
        "spec.advanced.scalingModifiers.formula",
        "spec.triggers[0].metadata.awsRegion",
    }


def test_what_cannot_be_read_is_told_beside_the_rest() -> None:
    found = judged("a: [1\n---\n" + EXAMPLE)
    assert [(one.severity, one.object) for one in found.findings] == [("error", "")]
    assert found.objects == 2


def test_a_problem_of_a_whole_trigger_stands_on_the_line_of_that_trigger() -> None:
    workload = (
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: worker}, "
        "spec: {template: {spec: {containers: [{name: main}]}}}}"
    )
    text = (
        scaled(extra="  minReplicaCount: 1") + '  - {type: cpu, metricType: Utilization, metadata: {value: "50"}}\n'
    )
    lines = {path: line for line, path, _ in told(judged(text, workload))}
    assert lines == {"spec.triggers[1]": 11}
