"""VPA's kinds as both servers serve them: two versions, columns, short names, and a status of its own or none."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from scaler.api import crd
from tests.conformance.client import Client
from tests.conformance.servers import Server
from tests.conformance.things import DEFINITIONS, is_established

GROUP = "autoscaling.k8s.io"
VPAS, CHECKPOINTS = "verticalpodautoscalers", "verticalpodautoscalercheckpoints"
EVERYTHING = Path(__file__).parents[1] / "api" / "every_vpa_field.yaml"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
Object = dict[str, Any]


@pytest.fixture(autouse=True)
async def served(client: Client) -> None:
    for name, definition in crd.definitions().items():
        if definition["spec"]["group"] == GROUP:
            if (await client.get(f"{DEFINITIONS}/{name}")).status == 404:
                (await client.create(DEFINITIONS, definition)).ok()
            await client.until(f"{DEFINITIONS}/{name}", is_established)
            await client.until(f"/apis/{GROUP}/v1beta2/{definition['spec']['names']['plural']}", lambda _: True)


def at(version: str, namespace: str, plural: str = VPAS) -> str:
    return f"/apis/{GROUP}/{version}/namespaces/{namespace}/{plural}"


def vpa(version: str = "v1", **spec: Any) -> Object:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    return {
        "apiVersion": f"{GROUP}/{version}",
        "kind": "VerticalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {"targetRef": target, **spec},
    }


async def test_both_versions_are_found_by_discovery_with_their_short_names(client: Client) -> None:
    for version in ("v1", "v1beta2"):
        listed = (await client.get(f"/apis/{GROUP}/{version}")).ok()["resources"]
        found = {one["name"]: one.get("shortNames") for one in listed}
        assert found == {VPAS: ["vpa"], f"{VPAS}/status": None, CHECKPOINTS: ["vpacheckpoint"]}
    assert (await client.get(f"/apis/{GROUP}")).ok()["preferredVersion"]["version"] == "v1"


async def test_every_field_is_stored_as_it_is_written(client: Client, namespace: str) -> None:
    written = yaml.safe_load(EVERYTHING.read_text())
    written["metadata"]["namespace"] = namespace
    made = (await client.create(at("v1", namespace), written, fieldValidation="Strict")).ok()
    assert made["spec"] == written["spec"]


async def test_no_field_is_lost_between_the_versions(client: Client, namespace: str) -> None:
    policy = {"updateMode": "InPlace", "minReplicas": 1}
    (await client.create(at("v1beta2", namespace), vpa("v1beta2", updatePolicy=policy))).ok()
    found = (await client.get(f"{at('v1', namespace)}/web")).ok()
    assert (found["apiVersion"], found["spec"]["updatePolicy"]) == (f"{GROUP}/v1", policy)
    old = (await client.get(f"{at('v1beta2', namespace)}/web")).ok()
    assert (old["apiVersion"], old["spec"]) == (f"{GROUP}/v1beta2", found["spec"])


async def test_kubectl_gets_upstreams_columns(client: Client, namespace: str) -> None:
    (await client.create(at("v1", namespace), vpa(updatePolicy={"updateMode": "Off", "minReplicas": 3}))).ok()
    recommended = [{"containerName": "main", "target": {"cpu": "126m", "memory": "380258472"}}]
    status = {
        "recommendation": {"containerRecommendations": recommended},
        "conditions": [{"type": "RecommendationProvided", "status": "True"}],
    }
    (await client.patch(f"{at('v1', namespace)}/web/status", {"status": status})).ok()
    for version in ("v1", "v1beta2"):
        table = (await client.get(at(version, namespace), accept=TABLE)).ok()
        shown = {
            column["name"]: cell
            for column, cell in zip(table["columnDefinitions"], table["rows"][0]["cells"], strict=True)
        }
        assert {name: cell for name, cell in shown.items() if name != "Age"} == {
            "Name": "web",
            "Mode": "Off",
            "CPU": "126m",
            "Mem": "380258472",
            "Provided": "True",
            "MinReplicas": 3,
            "OOMSeconds": None,
        }


async def test_the_status_of_a_vpa_is_written_by_itself_alone(client: Client, namespace: str) -> None:
    status = {"conditions": [{"type": "NoPodsMatched", "status": "True"}]}
    made = (await client.create(at("v1", namespace), {**vpa(), "status": status})).ok()
    assert "status" not in made


async def test_the_status_of_a_checkpoint_is_an_ordinary_part_of_it(client: Client, namespace: str) -> None:
    histogram = {"referenceTimestamp": None, "bucketWeights": {"8": 10000, "175": 1}, "totalWeight": 0.25}
    checkpoint = {
        "apiVersion": f"{GROUP}/v1",
        "kind": "VerticalPodAutoscalerCheckpoint",
        "metadata": {"name": "web-main"},
        "spec": {"vpaObjectName": "web", "containerName": "main"},
        "status": {"version": "v3", "cpuHistogram": histogram, "totalSamplesCount": 7},
    }
    place = at("v1", namespace, CHECKPOINTS)
    made = (await client.create(place, checkpoint)).ok()
    assert made["status"] == checkpoint["status"]
    assert (await client.patch(f"{place}/web-main/status", {"status": {}})).status == 404


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"targetRef": None}, "spec.targetRef"),
        ({"targetRef": {"kind": "Deployment"}}, "spec.targetRef.name"),
        ({"updatePolicy": {"updateMode": "Sometimes"}}, "spec.updatePolicy.updateMode"),
        ({"updatePolicy": {"evictAfterOOMSeconds": 0}}, "spec.updatePolicy.evictAfterOOMSeconds"),
        (
            {"resourcePolicy": {"containerPolicies": [{"containerName": "a", "minAllowed": {"cpu": "much"}}]}},
            "spec.resourcePolicy.containerPolicies[0].minAllowed.cpu",
        ),
        ({"startupBoost": {"cpu": {"type": "Factor"}}}, "spec.startupBoost.cpu"),
    ],
)
async def test_what_a_schema_can_say_is_refused_in_both_versions(
    client: Client, namespace: str, spec: Object, field: str
) -> None:
    for version in ("v1", "v1beta2"):
        reply = await client.create(at(version, namespace), vpa(version, **spec))
        reply.refused(422, "Invalid")
        assert field in [path for path, _ in reply.fields()]


async def test_no_server_fills_anything_in(client: Client, server: Server, namespace: str) -> None:
    written = vpa()
    assert (await client.create(at("v1", namespace), written)).ok()["spec"] == written["spec"], server.name
