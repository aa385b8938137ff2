"""The definitions say what KEDA's and VPA's say: their shapes are compared with facts written down beside this file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from scaler.api import crd, schema
from scaler.api.authentication import TriggerAuthenticationSpec
from scaler.api.crd import SERVED, Served
from scaler.api.scaledobject import ScaledObject
from scaler.errors import Problem

HERE = Path(__file__).parent
CRDS = HERE.parent.parent / "crds"
SHAPES = {"TriggerAuthentication": "authentication", "ClusterTriggerAuthentication": "authentication"}
SCALED = crd.schema(ScaledObject)
SPEC = {"scaleTargetRef": {"name": "worker"}, "triggers": [{"type": "cron", "metadata": {}}]}


def flat(part: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    words = [part.get("type", "any")]
    words += [
        f"{key}={part[key]}"
        for key in ("format", "minimum", "maximum", "minLength", "minItems", "pattern")
        if key in part
    ]
    words += ["enum=" + "|".join(part["enum"])] if "enum" in part else []
    words += [f"default={part['default']}"] if "default" in part else []
    words += ["nullable"] if part.get("nullable") else []
    words += [key for key in part if key.startswith("x-")]
    words += ["required=" + ",".join(part["required"])] if "required" in part else []
    yield path or ".", " ".join(words)
    for name, member in part.get("properties", {}).items():
        yield from flat(member, f"{path}.{name}")
    if "items" in part:
        yield from flat(part["items"], f"{path}[]")
    if "additionalProperties" in part:
        yield from flat(part["additionalProperties"], f"{path}{{}}")


def problems(**spec: object) -> list[Problem]:
    return schema.validate(SCALED, {"spec": {**SPEC, **spec}})


@pytest.mark.parametrize("name", crd.files())
def test_the_files_are_what_the_models_generate(name: str) -> None:
    assert (CRDS / name).read_text() == crd.files()[name], "run `make generate`"


def test_nothing_else_lies_among_the_definitions() -> None:
    assert {path.name for path in CRDS.iterdir()} == set(crd.files())


@pytest.mark.parametrize("served", SERVED, ids=lambda served: served.kind)
def test_every_field_has_upstreams_type_limits_and_default(served: Served) -> None:
    facts = (HERE / "shapes" / f"{SHAPES.get(served.kind, served.kind.lower())}.txt").read_text().splitlines()
    told = [f"{path} {words}" for path, words in flat(crd.schema(served.model))]
    assert sorted(told) == sorted(facts)


def test_names_and_scopes_are_upstreams() -> None:
    names = {
        served.kind: (served.plural, served.short_names, "Namespaced" if served.namespaced else "Cluster")
        for served in SERVED
    }
    assert names == {
        "ScaledObject": ("scaledobjects", ("so",), "Namespaced"),
        "TriggerAuthentication": ("triggerauthentications", ("ta", "triggerauth"), "Namespaced"),
        "ClusterTriggerAuthentication": ("clustertriggerauthentications", ("cta", "clustertriggerauth"), "Cluster"),
        "VerticalPodAutoscaler": ("verticalpodautoscalers", ("vpa",), "Namespaced"),
        "VerticalPodAutoscalerCheckpoint": ("verticalpodautoscalercheckpoints", ("vpacheckpoint",), "Namespaced"),
    }


def test_kubectl_prints_upstreams_columns_of_a_scaledobject() -> None:
    assert [(column.name, column.type, column.path) for column in SERVED[0].columns] == [
        ("ScaleTargetKind", "string", ".status.scaleTargetKind"),
        ("ScaleTargetName", "string", ".spec.scaleTargetRef.name"),
        ("Min", "integer", ".spec.minReplicaCount"),
        ("Max", "integer", ".spec.maxReplicaCount"),
        ("Ready", "string", '.status.conditions[?(@.type=="Ready")].status'),
        ("Active", "string", '.status.conditions[?(@.type=="Active")].status'),
        ("Fallback", "string", '.status.conditions[?(@.type=="Fallback")].status'),
        ("Paused", "string", '.status.conditions[?(@.type=="Paused")].status'),
        ("Triggers", "string", ".status.triggersTypes"),
        ("Authentications", "string", ".status.authenticationsTypes"),
        ("Age", "date", ".metadata.creationTimestamp"),
    ]


def test_who_uses_an_authentication_is_printed_only_when_wide() -> None:
    wide = [[column.name for column in served.columns if column.priority] for served in SERVED]
    assert wide[:3] == [[], ["ScaledObjects", "ScaledJobs"], ["ScaledObjects", "ScaledJobs"]]


def test_only_the_cluster_wide_authentication_prints_its_file() -> None:
    printing = [served.kind for served in SERVED if any(column.name == "FilePath" for column in served.columns)]
    assert printing == ["ClusterTriggerAuthentication"]


VERSIONS = {
    "keda.sh": [("v1alpha1", True, True)],
    "autoscaling.k8s.io": [("v1", True, True), ("v1beta2", True, False)],
}


@pytest.mark.parametrize("served", SERVED, ids=lambda served: served.kind)
def test_every_version_is_served_and_the_first_is_stored(served: Served) -> None:
    versions = crd.definition(served)["spec"]["versions"]
    assert [(one["name"], one["served"], one["storage"]) for one in versions] == VERSIONS[served.group]


def test_every_kind_but_the_checkpoint_has_a_status_of_its_own() -> None:
    subresources = {
        served.kind: [one.get("subresources") for one in crd.definition(served)["spec"]["versions"]]
        for served in SERVED
    }
    without = [kind for kind, found in subresources.items() if {"status": {}} not in found]
    assert without == ["VerticalPodAutoscalerCheckpoint"]


def test_a_group_under_k8s_io_says_who_approved_it() -> None:
    named = {served.group: crd.definition(served)["metadata"].get("annotations") for served in SERVED}
    approved = {"api-approved.kubernetes.io": "https://github.com/kubernetes/kubernetes/pull/63797"}
    assert named == {"keda.sh": None, "autoscaling.k8s.io": approved}


def described(part: dict[str, Any], path: str) -> Iterator[tuple[str, bool]]:
    for name, member in part.get("properties", {}).items():
        yield f"{path}.{name}", "description" in member
        yield from described(member, f"{path}.{name}")
    if isinstance(part.get("items"), dict):
        yield from described(part["items"], f"{path}[]")


@pytest.mark.parametrize("served", SERVED, ids=lambda served: served.kind)
def test_kubectl_explain_has_words_for_every_field(served: Served) -> None:
    silent = [path for path, said in described(crd.schema(served.model), "") if not said]
    assert silent == [".metadata"]


def test_min_above_max_is_refused_by_a_rule() -> None:
    assert [problem.path for problem in problems(minReplicaCount=5, maxReplicaCount=4)] == ["spec"]


def test_min_above_the_default_max_is_refused_too() -> None:
    assert problems(minReplicaCount=101)
    assert problems(minReplicaCount=100) == []


@pytest.mark.parametrize(("seconds", "good"), [(-1, False), (0, True), (3600, True), (3601, False)])
def test_a_stabilisation_window_is_at_most_an_hour(seconds: int, good: bool) -> None:
    behaviour = {"scaleDown": {"stabilizationWindowSeconds": seconds}}
    found = problems(advanced={"horizontalPodAutoscalerConfig": {"behavior": behaviour}})
    assert (found == []) is good


@pytest.mark.parametrize("tolerance", [0, "0.05", "50m"])
def test_a_tolerance_is_a_number_or_a_quantity(tolerance: object) -> None:
    assert (
        problems(advanced={"horizontalPodAutoscalerConfig": {"behavior": {"scaleUp": {"tolerance": tolerance}}}})
        == []
    )


def test_a_number_in_trigger_metadata_is_refused() -> None:
    found = problems(triggers=[{"type": "aws-sqs-queue", "metadata": {"queueLength": 5}}])
    assert found[0].path == "spec.triggers[0].metadata.queueLength"


def test_only_the_defaults_that_upstream_has_in_its_schema_are_filled_in() -> None:
    filled = schema.default(
        SCALED, {"spec": {**SPEC, "fallback": {"failureThreshold": 1, "replicas": 2}, "advanced": {}}}
    )
    assert filled["spec"] == {
        **SPEC,
        "fallback": {"failureThreshold": 1, "replicas": 2, "behavior": "static"},
        "advanced": {},
    }


def test_what_the_schema_accepts_the_model_reads() -> None:
    written = yaml.safe_load((HERE / "everything.yaml").read_text())
    assert schema.validate(SCALED, written) == []
    assert schema.unknown_fields(SCALED, written, resource=True) == []
    read = msgspec.convert(written, ScaledObject)
    assert msgspec.json.decode(msgspec.json.encode(read.spec)) == written["spec"]


def test_an_empty_authentication_is_legal() -> None:
    assert msgspec.convert({}, TriggerAuthenticationSpec) == TriggerAuthenticationSpec()


def test_a_type_that_no_schema_can_say_is_refused() -> None:
    with pytest.raises(TypeError, match="no schema for"):
        crd.of(bytes)


def test_writing_removes_a_definition_that_is_no_longer_served(tmp_path: Path) -> None:
    (tmp_path / "old.yaml").write_text("")
    crd.main(str(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == set(crd.files())
