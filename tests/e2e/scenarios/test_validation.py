"""What upstream's admission accepts and refuses: by `scaler validate`, and by the API server or the Ready condition."""

import copy
from typing import Any

import msgspec
import pytest
import yaml

from tests.controlplane.api import Object
from tests.e2e.installation import Installation
from tests.e2e.side_by_side import scenario
from tests.e2e.stage import SCALED_OBJECTS, Stage
from tests.processes import temporary_folder

CPU = {"type": "cpu", "metricType": "Utilization", "metadata": {"value": "60"}}
CRON = {
    "type": "cron",
    "metadata": {"timezone": "UTC", "start": "0 * * * *", "end": "1 * * * *", "desiredReplicas": "1"},
}
MODIFIERS: Object = {"formula": "cron_trig + 1", "target": "2"}


def spec(*triggers: Object, **more: Any) -> Object:
    return {"scaleTargetRef": {"name": "web"}, "triggers": list(triggers or [CRON]), **more}


def modified(**changes: Any) -> Object:
    modifiers = {key: value for key, value in {**MODIFIERS, **changes}.items() if value is not None}
    return spec({**CRON, "name": "cron_trig"}, advanced={"scalingModifiers": modifiers})


REFUSED: dict[str, tuple[Object, str]] = {
    "minimum-above-maximum": (spec(minReplicaCount=5, maxReplicaCount=2), "minReplicaCount"),
    "idle-not-below-minimum": (spec(minReplicaCount=1, idleReplicaCount=1), "spec.idleReplicaCount"),
    "idle-without-minimum": (spec(idleReplicaCount=0), "spec.idleReplicaCount"),
    "no-triggers": ({"scaleTargetRef": {"name": "web"}, "triggers": []}, "spec.triggers"),
    "names-twice": (spec({**CRON, "name": "a"}, {**CRON, "name": "a"}), "spec.triggers[1].name"),
    "cached-cron": (spec({**CRON, "useCachedMetrics": True}), "spec.triggers[0].useCachedMetrics"),
    "cpu-to-zero": (spec(CPU), "spec.minReplicaCount"),
    "cpu-with-fallback": (
        spec(CPU, minReplicaCount=1, fallback={"failureThreshold": 3, "replicas": 2}),
        "spec.fallback",
    ),
    "negative-fallback": (spec(fallback={"failureThreshold": -1, "replicas": 2}), "spec.fallback.failureThreshold"),
    "fallback-without-formula": (
        spec(fallback={"failureThreshold": 1, "replicas": 2, "behavior": "scalingModifiers"}),
        "spec.fallback.behavior",
    ),
    "formula-missing": (modified(formula=None), "spec.advanced.scalingModifiers.formula"),
    "formula-broken": (modified(formula="cron_trig +"), "spec.advanced.scalingModifiers.formula"),
    "formula-of-unknown": (modified(formula="somebody + 1"), "spec.advanced.scalingModifiers.formula"),
    "formula-without-target": (modified(target=None), "spec.advanced.scalingModifiers.target"),
    "formula-target-zero": (modified(target="0"), "spec.advanced.scalingModifiers.target"),
    "hpa-name-too-long": (
        spec(advanced={"horizontalPodAutoscalerConfig": {"name": "x" * 64}}),
        "spec.advanced.horizontalPodAutoscalerConfig.name",
    ),
    "number-for-text": (
        spec({"type": "cron", "metadata": {**CRON["metadata"], "desiredReplicas": 1}}),  # type: ignore[dict-item]  # the mistake
        "spec.triggers[0].metadata.desiredReplicas",
    ),
}
ACCEPTED: dict[str, Object] = {
    "plain": spec(),
    "minimum-at-maximum": spec(minReplicaCount=2, maxReplicaCount=2),
    "idle-below-minimum": spec(minReplicaCount=2, idleReplicaCount=0),
    "idle-at-an-explicit-zero": spec(minReplicaCount=0, idleReplicaCount=0),
    "cpu-with-a-minimum": spec(CPU, minReplicaCount=1),
    "cpu-beside-cron": spec(CPU, CRON),
    "fallback": spec(fallback={"failureThreshold": 3, "replicas": 2}),
    "formula": modified(),
    "formula-with-a-fallback": {
        **modified(),
        "fallback": {"failureThreshold": 1, "replicas": 2, "behavior": "scalingModifiers"},
    },
}


def scaled_object(own: Object) -> Object:
    return {
        "apiVersion": "keda.sh/v1alpha1",
        "kind": "ScaledObject",
        "metadata": {"name": "web"},
        "spec": copy.deepcopy(own),
    }


@pytest.mark.parametrize("case", REFUSED)
@scenario
def test_what_upstream_refuses_is_refused_by_the_schema_or_not_ready(stage: Stage, case: str) -> None:
    own, path = REFUSED[case]
    stage.deployment()
    refusal = stage.refused(scaled_object(own))
    if refusal:
        assert path.rpartition(".")[2] in refusal
        return
    stage.until_condition("Ready", "False", "ScaledObjectCheckFailed")
    assert path in stage.message("Ready")
    assert stage.hpa() is None


@pytest.mark.parametrize("case", ACCEPTED)
@scenario
def test_what_upstream_accepts_becomes_ready(stage: Stage, case: str) -> None:
    stage.deployment()
    stage.api.create(stage.within(SCALED_OBJECTS), scaled_object(ACCEPTED[case]))
    stage.until_ready()


@scenario
def test_cpu_without_a_request_is_refused_unless_a_limit_range_gives_one(stage: Stage) -> None:
    stage.deployment(containers=[{"name": "main", "image": "none"}])
    stage.api.create(stage.within(SCALED_OBJECTS), scaled_object(spec(CPU, minReplicaCount=1)))
    stage.until_condition("Ready", "False", "ScaledObjectCheckFailed")
    assert "requests no cpu" in stage.message("Ready")
    stage.api.create(
        stage.within("/api/v1/limitranges"),
        {
            "metadata": {"name": "defaults"},
            "spec": {"limits": [{"type": "Container", "defaultRequest": {"cpu": "1"}}]},
        },
    )
    stage.until_ready(timeout=60)


def test_validate_names_what_is_wrong_in_each_refused_manifest_and_nothing_else(installation: Installation) -> None:
    folder = temporary_folder("scaler-validation")
    wanted = {case: path for case, (_, path) in REFUSED.items()}
    workload = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "main", "image": "a"}]},
            },
        },
    }
    workload["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "1"}}  # type: ignore[index]
    for case, own in {**{case: own for case, (own, _) in REFUSED.items()}, **ACCEPTED}.items():
        place = {"namespace": case}
        made = [{**one, "metadata": {**one["metadata"], **place}} for one in (workload, scaled_object(own))]  # type: ignore[dict-item]
        (folder / f"{case}.yaml").write_text(yaml.safe_dump_all(made))
    done = installation.scaler("validate", "-o", "json", str(folder))
    assert done.returncode == 1, done.stderr
    told: dict[str, list[str]] = {}
    for finding in msgspec.json.decode(done.stdout)["findings"]:
        if finding["severity"] == "error":
            told.setdefault(finding["file"].rpartition("/")[2].removesuffix(".yaml"), []).append(finding["path"])
    assert set(told) == set(wanted)
    missed = {case: told[case] for case, path in wanted.items() if not any(path in one for one in told[case])}
    assert missed == {}


AUTHENTICATIONS = {
    "identity-empty": ({"podIdentity": {"provider": "azure-workload", "identityId": ""}}, "identityId"),
    "host-without-tenant": (
        {"podIdentity": {"provider": "azure-workload", "identityAuthorityHost": "https://login.example.com"}},
        "identityTenantId",
    ),
    "role-and-owner": (
        {"podIdentity": {"provider": "aws", "roleArn": "arn:aws:iam::1:role/a", "identityOwner": "workload"}},
        "roleArn",
    ),
    "external-without-role": ({"podIdentity": {"provider": "aws", "externalID": "x"}}, "externalID"),
}


def test_validate_names_what_is_wrong_in_each_refused_authentication(installation: Installation) -> None:
    folder = temporary_folder("scaler-validation")
    for case, (own, _) in AUTHENTICATIONS.items():
        made = {
            "apiVersion": "keda.sh/v1alpha1",
            "kind": "TriggerAuthentication",
            "metadata": {"name": case},
            "spec": own,
        }
        (folder / f"{case}.yaml").write_text(yaml.safe_dump(made))
    done = installation.scaler("validate", "-o", "json", str(folder))
    assert done.returncode == 1, done.stderr
    findings = msgspec.json.decode(done.stdout)["findings"]
    errors = [(one["object"], one["path"] + one["message"]) for one in findings if one["severity"] == "error"]
    for case, (_, word) in AUTHENTICATIONS.items():
        assert any(name == f"triggerauthentication/{case}" and word in told for name, told in errors), case
