"""What cannot work says why, in a condition or a line of the log, and disturbs nobody else."""

from typing import Any

import pytest

from tests.controlplane.api import Object
from tests.e2e.vertical.conftest import MIB, Place
from tests.processes import wait_until


def target(kind: str, name: str, api_version: str = "apps/v1") -> dict[str, str]:
    return {"apiVersion": api_version, "kind": kind, "name": name}


@pytest.mark.parametrize(
    ("wrong", "reason", "words"),
    [
        (target("Deployment", "nobody"), "TargetNotFound", "Deployment nobody does not exist"),
        (target("Sprocket", "web", "example.com/v1"), "UnknownKind", "example.com/v1"),
        (target("ConfigMap", "web", "v1"), "NoScale", "has no /scale subresource"),
    ],
)
def test_a_target_that_cannot_be_followed_is_named(
    place: Place, wrong: dict[str, str], reason: str, words: str
) -> None:
    place.vpa("lost", target=wrong)
    found = place.until_condition("TargetResolved", "False", "lost", words)
    assert found["reason"] == reason
    assert words in place.condition("ConfigUnsupported", "lost")["message"]
    assert place.condition("RecommendationProvided", "lost")["status"] == "False"
    assert place.condition("NoPodsMatched", "lost")["status"] == "True"


def test_a_target_that_appears_is_followed(place: Place) -> None:
    place.usage.selected(place.namespace, cpu=0.1, memory=300 * MIB, app="web")
    place.vpa()
    place.until_condition("TargetResolved", "False")
    place.deployment()
    place.until_recommended()
    wait_until(lambda: not place.condition("TargetResolved"), "the condition to go", 20)
    assert not place.condition("ConfigUnsupported")


def test_a_target_below_another_controller_is_refused(place: Place) -> None:
    place.deployment()
    (owner,) = place.running("web")[0]["metadata"]["ownerReferences"]
    place.vpa("below", target=target("ReplicaSet", owner["name"]))
    place.until_condition("ConfigUnsupported", "True", "below", "controlled by Deployment web", "name that one")
    assert place.condition("TargetResolved", "below")["reason"] == "NotTopmost"


def test_two_objects_on_one_workload_are_both_answered(place: Place) -> None:
    place.deployment()
    place.usage.selected(place.namespace, cpu=0.1, memory=300 * MIB, app="web")
    place.vpa("one", target=target("Deployment", "web"))
    place.vpa("two", target=target("Deployment", "web"))
    assert place.until_recommended("one", cpu=126) == place.until_recommended("two", cpu=126)


def test_samples_that_cannot_be_right_do_not_count(place: Place) -> None:
    """Negative, no number, huge, from the future, older than the last: the container beside them is sized as ever."""
    place.deployment(containers={"app": {"cpu": "1m"}, "bad": {"cpu": "1m"}})
    values: list[Any] = [("-5", "-1Ki"), ("NaN", "NaN"), ("1e999", "lots"), ("", "")]

    def usage(pod: Object) -> dict[str, Any] | None:
        if pod["metadata"]["namespace"] != place.namespace:
            return None
        values.append(values.pop(0))
        return {"app": (0.1, 300.0 * MIB), "bad": values[-1]}

    place.usage.rule(usage)
    place.vpa()
    found = place.until_recommended(cpu=126)
    assert found["target"] == {"cpu": 126, "memory": 380258472}
    program = place.installation.programs[0]
    wait_until(lambda: 'refused_total{why="quantity"}' in program.metrics(), "refusals to be counted", 20)
    assert place.recommended(container="bad") == {}


def test_a_sample_from_the_future_ages_nothing(place: Place) -> None:
    place.deployment()
    place.usage.selected(place.namespace, cpu=0.1, memory=300 * MIB, app="web")
    place.vpa()
    place.until_recommended(cpu=126)
    place.usage.taken_at = lambda: 4102444800.0  # 2100
    place.usage.selected(place.namespace, cpu=50, memory=9e9, app="web")
    program = place.installation.programs[0]
    wait_until(lambda: 'refused_total{why="time"}' in program.metrics(), "refusals to be counted", 20)
    assert place.recommended()["target"] == {"cpu": 126, "memory": 380258472}


def test_checkpoints_that_cannot_be_read_are_named_and_stop_nothing(place: Place) -> None:
    place.deployment()
    place.make_checkpoint("web", "app", {"version": "v3", "cpuHistogram": {"bucketWeights": {"999": 1}}})
    place.make_checkpoint("web", "newer", {"version": "v9", "totalSamplesCount": 5})
    program = place.installation.recommender(
        "--recommender-interval=200ms",
        "--checkpoint-interval=200ms",
        "--recommender-name=careful",
        "--leader-elect=false",
        name="careful",
    )
    place.usage.selected(place.namespace, cpu=0.1, memory=300 * MIB, app="web")
    place.vpa(recommenders=[{"name": "careful"}])
    place.until_recommended(cpu=126)
    assert program.said("a checkpoint does not count", "999"), program.process.tail()
    assert program.said("a checkpoint does not count", "v9", "left as it stands")
    place.until_checkpoint(1)
    newer = place.checkpoint("web-newer")
    assert newer is not None
    assert newer["status"]["version"] == "v9"


def test_a_quantity_that_is_none_is_named_in_a_condition(place: Place) -> None:
    place.deployment()
    place.vpa(annotations={"kube-scaler.dev/pod-minimum-cpu": "few"})
    place.until_condition("ConfigUnsupported", "True", "web", "kube-scaler.dev/pod-minimum-cpu", "few")
    assert place.condition("TargetResolved")["reason"] == "Invalid"
