"""What an API server refuses or drops, in words that say what would be right."""

from typing import Any

import pytest

from scaler.api import crd, structure
from scaler.api.scaledobject import ScaledObject

SCHEMA = crd.schema(ScaledObject)
TRIGGER = {"type": "cron", "metadata": {}}


def written(metadata: object = None, **spec: object) -> dict[str, Any]:
    own = {"name": "worker"} if metadata is None else metadata
    return {"metadata": own, "spec": {"scaleTargetRef": {"name": "worker"}, "triggers": [TRIGGER], **spec}}


def said(value: dict[str, Any]) -> dict[str, str]:
    return {problem.path: problem.message for problem in structure.errors(SCHEMA, value)}


def warned(value: dict[str, Any]) -> dict[str, str]:
    return {problem.path: problem.message for problem in structure.warnings(SCHEMA, value)}


def test_a_right_object_is_right() -> None:
    assert said(written()) == {}
    assert warned(written()) == {}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (5, 'is a number, not a text: quote it, "5"'),
        (0.5, 'is a number, not a text: quote it, "0.5"'),
        (True, 'is a truth, not a text: quote it, "true"'),
        (None, "is empty: write a text, or remove the key"),
        ([], "is a list: a text is wanted"),
    ],
)
def test_a_parameter_without_quotes_is_told_to_have_them(value: object, words: str) -> None:
    found = said(written(triggers=[{"type": "cron", "metadata": {"desiredReplicas": value}}]))
    assert found == {"spec.triggers[0].metadata.desiredReplicas": words}


def test_an_annotation_without_quotes_is_told_to_have_them() -> None:
    found = said(written({"name": "worker", "annotations": {"autoscaling.keda.sh/paused": True}}))
    assert found == {"metadata.annotations.autoscaling.keda.sh/paused": 'is a truth, not a text: quote it, "true"'}


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("pollingInterval", "30", 'is the text "30": remove the quotes, 30'),
        ("pollingInterval", "30s", 'is the text "30s": write a whole number'),
        ("pollingInterval", 1.5, "is 1.5: write a whole number"),
        ("pollingInterval", 0, "0 should be greater than or equal to 1"),
        ("triggers", [], "is empty: at least one is needed"),
        ("triggers", {}, "is a mapping: a list is wanted"),
        ("scaleTargetRef", "worker", "is a text: a mapping is wanted"),
    ],
)
def test_a_wrong_value_is_told_with_the_right_one(field: str, value: object, words: str) -> None:
    assert said(written(**{field: value}))[f"spec.{field}"] == words


def test_a_choice_that_was_perhaps_meant_is_named() -> None:
    found = said(written(fallback={"failureThreshold": 1, "replicas": 1, "behavior": "currentReplica"}))
    assert found["spec.fallback.behavior"].endswith("; did you mean currentReplicas?")


def test_a_tolerance_is_a_quantity() -> None:
    behaviour = {"scaleUp": {"tolerance": "some"}}
    found = said(written(advanced={"horizontalPodAutoscalerConfig": {"behavior": behaviour}}))
    assert list(found.values()) == ['"some" is no quantity such as 0.05 or 50m']


def test_a_rule_is_told_in_its_own_words() -> None:
    assert said(written(minReplicaCount=101)) == {
        "spec": "minReplicaCount must not exceed maxReplicaCount, which is 100 when unset"
    }


@pytest.mark.parametrize(
    ("metadata", "path", "words"),
    [
        ([], "metadata", "is a list: a mapping is wanted"),
        ({}, "metadata.name", "is required"),
        ({"name": 5}, "metadata.name", 'is a number, not a text: quote it, "5"'),
        ({"name": "Worker"}, "metadata.name", '"Worker" is no name'),
        ({"name": "a" * 254}, "metadata.name", "at most 253 in all"),
        ({"name": "a", "labels": ["x"]}, "metadata.labels", "is a list: a mapping of texts is wanted"),
    ],
)
def test_metadata_is_looked_at_too(metadata: object, path: str, words: str) -> None:
    assert words in said(written(metadata))[path]


def test_a_name_may_be_left_to_the_server() -> None:
    assert said(written({"generateName": "worker-"})) == {}


@pytest.mark.parametrize(
    ("spec", "path", "hint"),
    [
        ({"polingInterval": 3}, "spec.polingInterval", "did you mean pollingInterval?"),
        ({"restoreToOriginalReplicaCount": True}, "spec.restoreToOriginalReplicaCount", "belongs at spec.advanced"),
        (
            {"scaleTargetRef": {"name": "a", "deploymentName": "b"}},
            "spec.scaleTargetRef.deploymentName",
            "write name",
        ),
        (
            {"fallback": {"failureThreshold": 1, "replicas": 1, "xyz": 1}},
            "spec.fallback.xyz",
            "there are behavior, fail",
        ),
        ({"triggers": [{**TRIGGER, "metricsType": "x"}]}, "spec.triggers[0].metricsType", "did you mean metricType?"),
    ],
)
def test_a_field_that_nobody_knows_is_a_warning_with_a_hint(spec: dict[str, object], path: str, hint: str) -> None:
    assert hint in warned(written(**spec))[path]


def test_quotes_that_were_forgotten_are_put_where_the_rules_are_judged() -> None:
    value = written(
        {"name": "a", "annotations": {"x": True}}, triggers=[{"type": "cron", "metadata": {"n": 5, "f": 0.5}}]
    )
    made = structure.mended(value)
    assert made["metadata"]["annotations"] == {"x": "true"}
    assert made["spec"]["triggers"][0]["metadata"] == {"n": "5", "f": "0.5"}
    assert value["spec"]["triggers"][0]["metadata"] == {"n": 5, "f": 0.5}


def test_an_object_without_metadata_is_told_once() -> None:
    value = written()
    del value["metadata"]
    assert said(value) == {"metadata": "is required: metadata.name names the object"}
