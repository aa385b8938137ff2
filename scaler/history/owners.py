"""Whose pod it was: from kube-state-metrics where it is scraped, else from how controllers name their pods.

    web-6f9c8d7b5c-x2x4z     Deployment web: the hash of its ReplicaSet, then five letters
    report-29312640-x2x4z    CronJob report: minutes since 1970, then five letters
    db-0                     StatefulSet db
    agent-x2x4z              five letters only: a DaemonSet, a ReplicaSet or a Job; which, the name does not say

Letters are of Kubernetes' own alphabet for random names, which has no vowels and neither 0, 1 nor 3.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from scaler.history.answers import Labels
from scaler.history.queries import stated

_LETTERS = "[bcdfghjklmnpqrstvwxz2456789]"
_DEPLOYMENT = re.compile(rf"(?P<name>.+)-{_LETTERS}{{8,10}}-{_LETTERS}{{5}}")
_CRON_JOB = re.compile(rf"(?P<name>.+)-\d{{8}}-{_LETTERS}{{5}}")
_STATEFUL_SET = re.compile(r"(?P<name>.+)-\d+")
_SOME_SET = re.compile(rf"(?P<name>.+)-{_LETTERS}{{5}}")
_HASH = re.compile(rf"(?P<name>.+)-{_LETTERS}{{8,10}}")
_PATTERNS = (
    (_DEPLOYMENT, "Deployment"),
    (_CRON_JOB, "CronJob"),
    (_SOME_SET, "DaemonSet"),
    (_STATEFUL_SET, "StatefulSet"),
)

METRICS = ("kube_pod_owner", "kube_replicaset_owner", "kube_job_owner")


class Workload(NamedTuple):
    """What a person wrote to have pods."""

    namespace: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class Owners:
    """Resolves pods to the workload at the top."""

    def __init__(self, labels: Iterable[Labels] = ()) -> None:
        self._above: dict[tuple[str, str, str], tuple[str, str]] = {}
        for one in labels:
            self._note(one)

    @property
    def known(self) -> bool:
        """Whether kube-state-metrics told anything."""
        return bool(self._above)

    def workload(self, namespace: str, pod: str) -> Workload:
        """Whose pod that is; the pod itself when nobody's."""
        owner = self._above.get((namespace, "Pod", pod))
        if owner is None:
            return guessed(namespace, pod)
        if owner[0] in {"", "<none>", "Node"}:  # of nobody, or a static pod, which mirrors a file of its node
            return Workload(namespace, "Pod", pod)
        return self._topmost(namespace, *owner)

    def _topmost(self, namespace: str, kind: str, name: str) -> Workload:
        above = self._above.get((namespace, kind, name))
        if above is not None and above[0] not in {"", "<none>"}:
            return Workload(namespace, *above)
        stem = _HASH.fullmatch(name) if kind == "ReplicaSet" and above is None else None
        return Workload(namespace, "Deployment", stem["name"]) if stem else Workload(namespace, kind, name)

    def _note(self, labels: Labels) -> None:
        metric, namespace = labels.get("__name__", ""), stated(labels, "namespace")
        owner = (labels.get("owner_kind", ""), labels.get("owner_name", ""))
        if metric == "kube_pod_owner":
            self._keep((namespace, "Pod", stated(labels, "pod")), owner, labels)
        elif metric == "kube_replicaset_owner":
            self._keep((namespace, "ReplicaSet", stated(labels, "replicaset")), owner, labels)
        elif metric == "kube_job_owner":
            self._keep((namespace, "Job", stated(labels, "job_name")), owner, labels)

    def _keep(self, key: tuple[str, str, str], owner: tuple[str, str], labels: Mapping[str, str]) -> None:
        """Of several owners the controller's word counts."""
        if key not in self._above or labels.get("owner_is_controller") == "true":
            self._above[key] = owner


def guessed(namespace: str, pod: str) -> Workload:
    """From the pod's name alone."""
    for pattern, kind in _PATTERNS:
        found = pattern.fullmatch(pod)
        if found:
            return Workload(namespace, kind, found["name"])
    return Workload(namespace, "Pod", pod)
