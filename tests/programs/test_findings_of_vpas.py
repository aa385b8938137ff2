"""VerticalPodAutoscalers among manifests: in both versions, by themselves and beside each other."""

from pathlib import Path

import pytest

from scaler.programs.findings import Found, find
from scaler.programs.manifests import parsed, read

EVERYTHING = Path(__file__).parent.parent / "api" / "every_vpa_field.yaml"
EXAMPLE = Path(__file__).parents[3] / "shared" / "data" / "examples" / "vpa-v1beta2.yaml"

VPA = """
apiVersion: autoscaling.k8s.io/v1
kind: VerticalPodAutoscaler
metadata: {name: web}
spec:
  targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
"""


def judged(*texts: str) -> Found:
    return find([one for number, text in enumerate(texts) for one in parsed(text, f"{number}.yaml", True)], "default")


def told(found: Found) -> list[tuple[str, int, str, str]]:
    return [(one.severity, one.line, one.path, one.message) for one in found.findings]


@pytest.mark.parametrize("version", ["v1", "v1beta2"])
def test_every_field_is_right_in_both_versions(version: str) -> None:
    found = judged(EVERYTHING.read_text().replace("k8s.io/v1", f"k8s.io/{version}"))
    assert (told(found), found.objects) == ([], 1)


def test_the_owners_example_is_right_as_printed() -> None:
    if not EXAMPLE.exists():
        pytest.skip(f"LEFT OUT: {EXAMPLE} is not beside the checkout")
    found = find(list(read(str(EXAMPLE), True)), "default")
    assert (told(found), found.objects) == ([], 1)


def test_a_rule_is_told_at_its_line() -> None:
    found = judged(VPA + "  updatePolicy:\n    updateMode: Recreate\n    minReplicas: 0\n")
    assert told(found) == [("error", 9, "spec.updatePolicy.minReplicas", "0 is too few: write 1 or more")]


def test_what_the_definition_refuses_is_told_in_plain_words() -> None:
    found = judged(VPA + '  updatePolicy: {updateMode: "off"}\n')
    assert told(found) == [
        (
            "error",
            7,
            "spec.updatePolicy.updateMode",
            '"off" is none of Off, Initial, Recreate, InPlaceOrRecreate, InPlace, Auto; did you mean Off?',
        )
    ]


def test_a_mode_that_yaml_reads_as_a_truth_is_told_to_be_quoted() -> None:
    ((severity, _, path, message),) = told(judged(VPA + "  updatePolicy: {updateMode: Off}\n"))
    assert (severity, path) == ("error", "spec.updatePolicy.updateMode")
    assert "quote it" in message


def test_a_missing_target_is_told_once() -> None:
    found = judged("{apiVersion: autoscaling.k8s.io/v1, kind: VerticalPodAutoscaler, metadata: {name: a}, spec: {}}")
    assert [path for _, _, path, _ in told(found)] == ["spec.targetRef"]


def test_a_boost_that_lacks_its_factor_is_told_once() -> None:
    found = judged(VPA + "  startupBoost: {cpu: {type: Factor}}\n")
    assert [(severity, path) for severity, _, path, _ in told(found)] == [("error", "spec.startupBoost.cpu.factor")]


def test_an_unknown_field_is_a_warning_with_what_was_meant() -> None:
    found = judged(VPA + "  updatePolicy: {updateMode: Auto, minReplica: 1}\n")
    assert [(severity, path) for severity, _, path, _ in told(found)] == [
        ("warning", "spec.updatePolicy.minReplica"),
        ("warning", "spec.updatePolicy.updateMode"),
    ]


def test_two_on_one_workload_are_warned_of_at_both() -> None:
    found = judged(VPA, VPA.replace("name: web}\nspec", "name: other}\nspec"))
    assert [(severity, path) for severity, _, path, _ in told(found)] == [("warning", "spec.targetRef")] * 2


@pytest.mark.parametrize(
    ("version", "kind", "path", "words"),
    [
        ("autoscaling.k8s.io/v1beta1", "VerticalPodAutoscaler", "apiVersion", "write autoscaling.k8s.io/v1"),
        ("autoscaling.k8s.io/v1", "VerticalPodAutoScaler", "kind", "did you mean VerticalPodAutoscaler?"),
        ("autoscaling.k8s.io/v1", "X", "kind", "there are VerticalPodAutoscaler, VerticalPodAutoscalerCheckpoint"),
    ],
)
def test_a_name_that_is_nearly_right_is_told(version: str, kind: str, path: str, words: str) -> None:
    ((_, _, where, message),) = told(judged(f"{{apiVersion: {version}, kind: {kind}}}"))
    assert where == path
    assert words in message


def test_a_checkpoint_is_one_of_the_kinds() -> None:
    kind = "VerticalPodAutoscalerCheckpoint"
    found = judged(
        f"{{apiVersion: autoscaling.k8s.io/v1, kind: {kind}, metadata: {{name: a}}, status: {{version: v3}}}}"
    )
    assert (told(found), found.objects) == ([], 1)
