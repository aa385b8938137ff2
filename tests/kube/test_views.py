import msgspec
import pytest

from scaler.kube.views import Pod, PodCondition, PodStatus


@pytest.mark.parametrize(
    ("phase", "condition", "ready"),
    [
        ("Running", "True", True),
        ("Running", "False", False),
        ("Pending", "True", False),
        ("Succeeded", "True", False),
    ],
)
def test_a_pod_is_ready_when_it_runs_and_says_so(phase: str, condition: str, ready: bool) -> None:
    pod = Pod(status=PodStatus(phase, (PodCondition("Initialized", "True"), PodCondition("Ready", condition))))
    assert pod.ready is ready


def test_what_is_not_needed_of_a_pod_is_pruned() -> None:
    text = b'{"metadata":{"name":"p","managedFields":[{"x":1}]},"spec":{"nodeName":"n","containers":[]},"status":{"phase":"Failed"}}'
    pod = msgspec.json.decode(text, type=Pod)
    assert (pod.metadata.name, pod.spec.node_name, pod.finished, pod.ready) == ("p", "n", True, False)
