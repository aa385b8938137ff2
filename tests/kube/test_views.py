import msgspec
import pytest

from scaler.api.meta import Raw
from scaler.kube.connection import Connection
from scaler.kube.resources import DEPLOYMENTS
from scaler.kube.views import LabelSelector, Pod, PodCondition, PodStatus, Requirement, ScaleView, Workload


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


async def test_a_selector_is_spelled_as_the_scale_subresource_spells_it(
    connection: Connection, namespace: str
) -> None:
    template = {
        "metadata": {"labels": {"app": "web", "tier": "a"}},
        "spec": {"containers": [{"name": "c", "image": "i"}]},
    }
    selector = {
        "matchLabels": {"tier": "a", "app": "web"},
        "matchExpressions": [
            {"key": "tier", "operator": "In", "values": ["b", "a"]},
            {"key": "zone", "operator": "NotIn", "values": ["x"]},
            {"key": "app", "operator": "Exists"},
            {"key": "old", "operator": "DoesNotExist"},
        ],
    }
    body = {"metadata": {"name": "web"}, "spec": {"replicas": 0, "selector": selector, "template": template}}
    await connection.create(DEPLOYMENTS, namespace, body, into=Raw)
    workload = await connection.get(DEPLOYMENTS, namespace, "web", into=Workload)
    scale = await connection.get(DEPLOYMENTS, namespace, "web", into=ScaleView, subresource="scale")
    assert sorted(str(workload.spec.selector).split(",")) == sorted(scale.status.selector.split(","))
    assert workload.spec.replicas == scale.spec.replicas == 0


def test_an_empty_selector_is_spelled_empty() -> None:
    assert str(LabelSelector()) == ""
    assert str(LabelSelector(match_expressions=(Requirement("a", "In", ("x",)),))) == "a in (x)"
