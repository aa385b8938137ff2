"""Groups of settings that the programs of the vertical half share, under upstream's names."""

from typing import Annotated

from scaler.errors import Problem
from scaler.settings.knobs import Duration, Knob
from scaler.settings.shared import Settings, lease_problems


class VpaObjects(Settings, frozen=True):
    """Which VerticalPodAutoscalers are ours."""

    vpa_object_namespace: str = ""
    """The one namespace to serve; all when empty."""
    ignored_vpa_object_namespaces: Annotated[tuple[str, ...], Knob(metavar="NAMESPACE,...")] = ()
    """Namespaces to leave alone; only together with all of them."""
    beside_upstream: bool = False
    """A VPA is at work: act only in namespaces that `scaler takeover` gave us, in none until then. While anything is
    taken over this holds without the flag, too."""

    def problems(self) -> list[Problem]:
        if not (self.vpa_object_namespace and self.ignored_vpa_object_namespaces):
            return []
        words = "cannot be given together with --vpa-object-namespace, which names the only one that is served"
        return [Problem("--ignored-vpa-object-namespaces", words, ",".join(self.ignored_vpa_object_namespaces))]


class SizedPods(VpaObjects, frozen=True):
    """Whose pods are sized."""

    ignore_kube_system: bool = False
    """Leave kube-system alone, too. Our own namespace always is."""


class ApiCalls(Settings, frozen=True):
    """How many calls the API server gets."""

    kube_api_qps: float = 50.0
    """Calls a second, watches and the Lease aside. The server's own 429s are obeyed beside it; 0 sets no rate."""
    kube_api_burst: int = 100
    """Calls that may be made at once after a quiet time."""

    def problems(self) -> list[Problem]:
        found = []
        if self.kube_api_qps < 0:
            found.append(Problem("--kube-api-qps", f"{self.kube_api_qps:g} must be 0 or more", self.kube_api_qps))
        if self.kube_api_burst < 1:
            found.append(Problem("--kube-api-burst", f"{self.kube_api_burst} must be 1 or more", self.kube_api_burst))
        return found


class Election(Settings, frozen=True):
    """Which of several replicas acts."""

    leader_elect: bool = True
    """Only the holder of the Lease acts; the others stand by. Upstream's default is false: one replica only."""
    leader_elect_lease_duration: Duration = 15.0
    """How long a silent leader keeps the Lease: the longest hand-over after a crash."""
    leader_elect_renew_deadline: Duration = 10.0
    """A leader that could not renew for this long stops acting; less than the lease duration."""
    leader_elect_retry_period: Duration = 2.0
    """Time between two tries to get or to renew the Lease."""
    leader_elect_resource_name: str = ""
    """Name of the Lease; scaler- and the program's name when empty. Not upstream's, so that the two can see each
    other. Two recommenders of different names need one each."""
    leader_elect_resource_namespace: str = ""
    """Namespace of the Lease; --pod-namespace when empty."""

    def problems(self) -> list[Problem]:
        return lease_problems(
            "--leader-elect",
            self.leader_elect_lease_duration,
            self.leader_elect_renew_deadline,
            self.leader_elect_retry_period,
        )


def positive(flag: str, value: float) -> list[Problem]:
    """A problem unless the value is more than 0."""
    return [] if value > 0 else [Problem(flag, f"{value:g} must be more than 0", value)]


def share(flag: str, value: float) -> list[Problem]:
    """A problem unless the value is from 0 to 1."""
    return [] if 0 <= value <= 1 else [Problem(flag, f"{value:g} must be from 0 to 1", value)]
