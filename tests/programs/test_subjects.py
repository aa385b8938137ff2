"""Which ScaledObject a person means."""

import pytest

from scaler.errors import Invalid
from scaler.programs.subjects import hpa_name, meant, named

WORKER = {
    "metadata": {"name": "worker"},
    "spec": {"scaleTargetRef": {"name": "web"}, "triggers": [{"type": "cron", "metadata": {}}]},
    "status": {"hpaName": "keda-hpa-worker"},
}
ROLLOUT = {
    "metadata": {"name": "canary"},
    "spec": {
        "scaleTargetRef": {"name": "web", "kind": "Rollout", "apiVersion": "argoproj.io/v1alpha1"},
        "triggers": [{"type": "cron", "metadata": {}}],
        "advanced": {"horizontalPodAutoscalerConfig": {"name": "mine"}},
    },
}
BROKEN = {"metadata": {"name": "old"}, "spec": {}}


@pytest.mark.parametrize(
    "text", ["scaledobject/worker", "so/worker", "ScaledObjects/worker", "scaledobject.keda.sh/worker", "worker"]
)
def test_a_scaledobject_has_several_names(text: str) -> None:
    assert (named(text).scaled, named(text).name) == (True, "worker")


@pytest.mark.parametrize("text", ["", "/worker", "deploy/", "a/b/c"])
def test_what_is_no_object_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(Invalid, match="write KIND/NAME"):
        named(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("so/worker", "worker"),
        ("deployment/web", "worker"),
        ("deployments/web", "worker"),
        ("deploy/web", "worker"),
        ("deployment.apps/web", "worker"),
        ("rollout/web", "canary"),
        ("hpa/keda-hpa-worker", "worker"),
        ("hpa/mine", "canary"),
        ("hpa/keda-hpa-old", "old"),
    ],
)
def test_an_object_is_found_by_what_it_scales_and_by_its_hpa(text: str, name: str) -> None:
    assert meant(named(text), "shop", [BROKEN, WORKER, ROLLOUT])["metadata"]["name"] == name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("so/worke", "no such ScaledObject in namespace shop: did you mean so/worker?"),
        ("so/zzz", "there are canary, old, worker"),
        ("sts/web", "no ScaledObject scales a sts of that name"),
        ("hpa/x", "no ScaledObject has an HPA of that name"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(text: str, words: str) -> None:
    with pytest.raises(Invalid, match=words.replace("?", r"\?")):
        meant(named(text), "shop", [WORKER, ROLLOUT, BROKEN])


def test_an_empty_namespace_says_so() -> None:
    with pytest.raises(Invalid, match="in namespace shop: there is none at all; name another namespace with -n"):
        meant(named("worker"), "shop", [])


def test_an_object_that_cannot_be_read_whole_still_has_an_hpa() -> None:
    assert hpa_name(BROKEN) == "keda-hpa-old"
