"""The settings of `scaler updater`: upstream's flags with their names and defaults, and a few of ours."""

from typing import Annotated

from scaler.errors import Problem
from scaler.settings.knobs import Address, Duration, Knob
from scaler.settings.shared import Cluster, Logs, Settings
from scaler.settings.vertical import ApiCalls, Election, SizedPods, positive, share


class Rounds(Settings, frozen=True):
    """How often, and when, pods are moved."""

    updater_interval: Duration = 60.0
    """Time from one judgement of all pods to the next. Judging never waits for moving."""
    pod_update_threshold: float = 0.1
    """A pod within its range is moved only from this distance to its targets on: the differences of the resources
    added up, each as a share of what is requested."""
    in_recommendation_bounds_eviction_lifetime_threshold: Duration = 43200.0
    """A pod within its range is not moved before it ran for this long."""
    evict_after_oom_threshold: Duration = 600.0
    """A container that was killed for memory within this time of its start is helped at once."""
    recommendation_only: bool = False
    """Judge, and say in the log and in metrics what would be moved; move nothing, and write nothing but the own
    Lease."""


class Disruption(Settings, frozen=True):
    """How many pods may be on the move at once."""

    min_replicas: int = 2
    """With fewer pods of a controller than this none is moved. spec.updatePolicy.minReplicas overrides it."""
    eviction_tolerance: float = 0.5
    """Share of a controller's replicas that may be missing while pods are moved; of few replicas always one."""
    in_place_skip_disruption_budget: bool = False
    """A resize that restarts no container needs none of the above."""
    disruption_budgets: Annotated[str, Knob(metavar="JSON")] = ""
    """When and how many pods of an object may be on the move, for objects without the annotation
    kube-scaler.dev/disruption-budgets, which says how it is written. Ours."""
    resize_pending_period: Duration = 300.0
    """In mode InPlaceOrRecreate a resize that has waited so long for room gives way to an eviction. The annotation
    kube-scaler.dev/resize-pending-period overrides it. Ours; upstream waits five minutes."""
    eviction_rate_limit: float = -1.0
    """Evictions a second, and beside them as many resizes; no limit of their own at 0 or less."""
    eviction_rate_burst: int = 1
    """So many at once after a quiet time, where there is such a limit."""

    def problems(self) -> list[Problem]:
        found = share("--eviction-tolerance", self.eviction_tolerance)
        if self.eviction_rate_burst < 1:
            words = f"{self.eviction_rate_burst} must be 1 or more"
            found.append(Problem("--eviction-rate-burst", words, self.eviction_rate_burst))
        return found


class AdmissionStatus(Settings, frozen=True):
    """Whether pods that are evicted are sized when they come back."""

    use_admission_controller_status: bool = True
    """Move nothing while the webhook's Lease is not renewed. False only where pods are sized in another way."""
    admission_controller_status_lease_timeout: Duration = 60.0
    """A webhook that has been silent for so long does not work."""
    status_lease: str = "vpa-admission-controller"
    """Name of that Lease, in our namespace."""


class UpdaterServing(Settings, frozen=True):
    """What the updater listens on."""

    address: Address = ":8943"
    """Prometheus metrics at /metrics; /health-check, and /healthz and /readyz as all programs have."""


class UpdaterSettings(Settings, frozen=True):
    """The settings of `scaler updater`."""

    cluster: Cluster = Cluster()
    pods: SizedPods = SizedPods()
    leader: Election = Election()
    rounds: Rounds = Rounds()
    disruption: Disruption = Disruption()
    admission: AdmissionStatus = AdmissionStatus()
    calls: ApiCalls = ApiCalls()
    serving: UpdaterServing = UpdaterServing()
    logs: Logs = Logs()

    def problems(self) -> list[Problem]:
        rounds, admission = self.rounds, self.admission
        spans = (
            ("--updater-interval", rounds.updater_interval),
            ("--admission-controller-status-lease-timeout", admission.admission_controller_status_lease_timeout),
        )
        return [*super().problems(), *(problem for flag, value in spans for problem in positive(flag, value))]
