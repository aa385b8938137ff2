"""Whose pod it was."""

import pytest

from scaler.history.owners import Owners, Workload

TOLD = [
    {"__name__": "kube_pod_owner", "namespace": "shop", "pod": "web-5d9c7-x2x4z", "owner_kind": "ReplicaSet", "owner_name": "web-5d9c7"},
    {"__name__": "kube_replicaset_owner", "namespace": "shop", "replicaset": "web-5d9c7", "owner_kind": "Deployment", "owner_name": "web"},
    {"__name__": "kube_pod_owner", "namespace": "shop", "pod": "nightly-29312640-x2x4z", "owner_kind": "Job", "owner_name": "nightly-29312640"},
    {"__name__": "kube_job_owner", "namespace": "shop", "job_name": "nightly-29312640", "owner_kind": "CronJob", "owner_name": "nightly"},
    {"__name__": "kube_pod_owner", "namespace": "shop", "pod": "once-x2x4z", "owner_kind": "Job", "owner_name": "once"},
    {"__name__": "kube_job_owner", "namespace": "shop", "job_name": "once", "owner_kind": "<none>", "owner_name": "<none>"},
    {"__name__": "kube_pod_owner", "namespace": "shop", "pod": "alone", "owner_kind": "<none>", "owner_name": "<none>"},
    {"__name__": "kube_pod_owner", "namespace": "kube-system", "pod": "etcd-node1", "owner_kind": "Node", "owner_name": "node1"},
    {"__name__": "kube_pod_owner", "namespace": "shop", "pod": "old-7c8b9d6f5-x2x4z", "owner_kind": "ReplicaSet", "owner_name": "old-7c8b9d6f5"},
    {"__name__": "kube_pod_owner", "namespace": "shop", "pod": "roll-7c8b9d6f5-x2x4z", "owner_kind": "ReplicaSet", "owner_name": "roll-7c8b9d6f5"},
    {"__name__": "kube_replicaset_owner", "namespace": "shop", "replicaset": "roll-7c8b9d6f5", "owner_kind": "Rollout", "owner_name": "roll"},
]  # fmt: skip


@pytest.mark.parametrize(
    ("namespace", "pod", "kind", "name"),
    [
        ("shop", "web-5d9c7-x2x4z", "Deployment", "web"),
        ("shop", "nightly-29312640-x2x4z", "CronJob", "nightly"),
        ("shop", "once-x2x4z", "Job", "once"),
        ("shop", "alone", "Pod", "alone"),
        ("kube-system", "etcd-node1", "Pod", "etcd-node1"),
        ("shop", "old-7c8b9d6f5-x2x4z", "Deployment", "old"),
        ("shop", "roll-7c8b9d6f5-x2x4z", "Rollout", "roll"),
    ],
)
def test_the_topmost_owner_is_the_workload(namespace: str, pod: str, kind: str, name: str) -> None:
    assert Owners(TOLD).workload(namespace, pod) == Workload(namespace, kind, name)


def test_labels_that_were_not_honoured_are_found_under_their_other_names() -> None:
    renamed = [
        {("exported_" + key if key in {"namespace", "pod"} else key): value for key, value in one.items()} | {"namespace": "monitoring", "pod": "ksm"}
        for one in TOLD
    ]  # fmt: skip
    assert Owners(renamed).workload("shop", "web-5d9c7-x2x4z") == Workload("shop", "Deployment", "web")


@pytest.mark.parametrize(
    ("pod", "kind", "name"),
    [
        ("web-6f9c8d7b5c-x2x4z", "Deployment", "web"),
        ("my-web-54fbd7c9d4-zzzzz", "Deployment", "my-web"),
        ("report-29312640-x2x4z", "CronJob", "report"),
        ("agent-x2x4z", "DaemonSet", "agent"),
        ("db-0", "StatefulSet", "db"),
        ("db-12", "StatefulSet", "db"),
        ("coredns-custom", "Pod", "coredns-custom"),
        ("alone", "Pod", "alone"),
    ],
)
def test_without_kube_state_metrics_the_name_tells_as_much_as_it_can(pod: str, kind: str, name: str) -> None:
    owners = Owners()
    assert not owners.known
    assert owners.workload("shop", pod) == Workload("shop", kind, name)


def test_a_controller_counts_more_than_another_owner() -> None:
    pod = {"__name__": "kube_pod_owner", "namespace": "a", "pod": "p"}
    one = pod | {"owner_kind": "StatefulSet", "owner_name": "right", "owner_is_controller": "true"}
    other = pod | {"owner_kind": "Thing", "owner_name": "wrong", "owner_is_controller": "false"}
    for order in ([one, other], [other, one]):
        assert Owners(order).workload("a", "p").name == "right"
