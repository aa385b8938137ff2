"""What a VerticalPodAutoscaler says where it says nothing, and what reads and writes lose: nothing."""

from pathlib import Path

import msgspec
import pytest
import yaml

from scaler.api import crd, schema
from scaler.api.verticalpodautoscaler import (
    VerticalPodAutoscaler,
    VerticalPodAutoscalerCheckpoint,
    VerticalPodAutoscalerSpec,
)

HERE = Path(__file__).parent
SCHEMA = crd.schema(VerticalPodAutoscaler)
RECOMMENDED = {
    "recommendation": {
        "containerRecommendations": [
            {
                "containerName": "main",
                "target": {"cpu": "126m", "memory": "380258472"},
                "lowerBound": {"cpu": "25m"},
                "upperBound": {"cpu": "100G"},
                "uncappedTarget": {"cpu": "126m"},
            },
            {"containerName": "left-alone", "target": {}},
        ]
    },
    "conditions": [
        {
            "type": "RecommendationProvided",
            "status": "True",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
            "observedGeneration": 3,
        }
    ],
    "observedGeneration": 3,
}


def spec(**fields: object) -> VerticalPodAutoscalerSpec:
    return msgspec.convert(fields, VerticalPodAutoscalerSpec)


def policies(*names: str) -> VerticalPodAutoscalerSpec:
    return spec(resourcePolicy={"containerPolicies": [{"containerName": name} for name in names]})


def test_what_the_schema_accepts_the_model_reads_and_writes() -> None:
    written = yaml.safe_load((HERE / "every_vpa_field.yaml").read_text())
    assert schema.validate(SCHEMA, written) == []
    assert schema.unknown_fields(SCHEMA, written, resource=True) == []
    read = msgspec.convert(written, VerticalPodAutoscaler)
    assert msgspec.json.decode(msgspec.json.encode(read.spec)) == written["spec"]


def test_the_example_in_the_old_version_reads_into_the_same_model() -> None:
    written = yaml.safe_load((HERE / "every_vpa_field.yaml").read_text()) | {
        "apiVersion": "autoscaling.k8s.io/v1beta2"
    }
    read = msgspec.convert(written, VerticalPodAutoscaler)
    assert read.api_version == "autoscaling.k8s.io/v1beta2"
    assert read.ref.api_version == "autoscaling.k8s.io/v1"


def test_a_status_is_written_as_it_was_read_empty_targets_included() -> None:
    whole = {"metadata": {"name": "a"}, "spec": {}, "status": RECOMMENDED}
    read = msgspec.convert(whole, VerticalPodAutoscaler)
    assert msgspec.json.decode(msgspec.json.encode(read.status)) == RECOMMENDED


def test_nothing_controlled_is_another_thing_than_nothing_said() -> None:
    read = spec(resourcePolicy={"containerPolicies": [{"controlledResources": []}, {}]})
    assert [policy.controlled_resources for policy in read.resource_policy.container_policies] == [(), None]


@pytest.mark.parametrize(
    ("given", "mode"),
    [({}, "Recreate"), ({"updatePolicy": {}}, "Recreate"), ({"updatePolicy": {"updateMode": "Auto"}}, "Auto")],
)
def test_recreate_is_what_no_mode_means(given: dict[str, object], mode: str) -> None:
    assert spec(**given).update_mode == mode


def test_a_container_has_its_own_policy_or_that_of_all_others() -> None:
    found = policies("*", "main")
    assert [getattr(found.policy(name), "container_name", None) for name in ("main", "other")] == ["main", "*"]
    assert policies("main").policy("other") is None


def test_who_recommends_is_the_default_one_unless_another_is_named() -> None:
    assert spec().recommender == "default"
    assert spec(recommenders=[{"name": "mine"}]).recommender == "mine"


def test_a_checkpoint_keeps_its_buckets_as_they_stand() -> None:
    status = {
        "version": "v3",
        "cpuHistogram": {"referenceTimestamp": None, "bucketWeights": {"8": 10000, "175": 1}, "totalWeight": 0.2},
    }
    read = msgspec.convert({"metadata": {}, "status": status}, VerticalPodAutoscalerCheckpoint)
    assert read.status.cpu_histogram.bucket_weights == {"8": 10000, "175": 1}
    assert schema.prune(crd.schema(VerticalPodAutoscalerCheckpoint), {"status": status}) == {"status": status}


@pytest.mark.parametrize(
    ("boost", "good"),
    [
        ({"type": "Factor", "factor": 2}, True),
        ({"type": "Quantity", "quantity": "1"}, True),
        ({"type": "Factor"}, False),
        ({"type": "Factor", "factor": 2, "quantity": "1"}, False),
        ({"type": "Quantity", "factor": 2}, False),
    ],
)
def test_a_boost_has_what_its_type_needs_and_nothing_else(boost: dict[str, object], good: bool) -> None:
    target = {"kind": "Deployment", "name": "a"}
    own = {"containerPolicies": [{"containerName": "main", "startupBoost": {"cpu": boost}}]}
    for said in ({"startupBoost": {"cpu": boost}}, {"resourcePolicy": own}):
        assert (schema.validate(SCHEMA, {"spec": {"targetRef": target, **said}}) == []) is good
