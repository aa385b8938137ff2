"""The settings of `scaler recommender`: upstream's flags with their names and defaults, and a few of ours."""

from typing import Annotated, Literal

from scaler.errors import Problem
from scaler.quantity import exact_quantity
from scaler.settings.knobs import Address, Duration, Knob
from scaler.settings.prometheus import PrometheusAccess, PrometheusHistory
from scaler.settings.shared import Cluster, Logs, Settings
from scaler.settings.vertical import ApiCalls, Election, VpaObjects, positive, share

DAY = 86400.0


class Loop(Settings, frozen=True):
    """How the work goes round."""

    recommender_interval: Duration = 60.0
    """Time from one reading of the usage to the next; one that is late is left out."""
    recommender_name: str = "default"
    """Who we are: objects whose spec.recommenders names us are ours. `default` has those that name nobody, too."""
    update_worker_count: int = 10
    """Statuses and checkpoints that are written at once. Judging never waits for them."""
    usage_source: Literal["metrics-server", "prometheus"] = "metrics-server"
    """metrics-server: usage is read from metrics.k8s.io. prometheus: from --prometheus-address, for a cluster without
    a metrics server; cpu is then the mean since the reading before and memory the most since then. Ours."""
    memory_saver: bool = False
    """Keep only pods that some VerticalPodAutoscaler matches. Usage is then learned from the object's making on."""


class Keeping(Settings, frozen=True):
    """Where what was learned is kept."""

    storage: Literal["checkpoint", "prometheus"] = "checkpoint"
    """checkpoint: in VerticalPodAutoscalerCheckpoints. prometheus: read from there at the start and when an object
    appears, and written nowhere."""
    checkpoint_interval: Duration = 300.0
    """Each checkpoint is written at least this often, as the call limit allows. Ours; upstream writes all it can each
    round."""
    checkpoints_gc_interval: Duration = 600.0
    """Time between two searches for checkpoints whose VerticalPodAutoscaler is gone; they are deleted."""
    recommendation_only: bool = False
    """Statuses, checkpoints and the Lease are all that a recommender writes anyway. With this it deletes no
    checkpoint either: those of objects that are gone may be somebody else's."""


class History(Settings, frozen=True):
    """Where the past is read from."""

    prometheus_address: Annotated[str, Knob(metavar="URL")] = ""
    """A Prometheus that watches this cluster. The past of objects without a checkpoint is read from it, at the start
    and when one appears. Where one is needed and none is given, as with --storage=prometheus, it is
    http://prometheus.monitoring.svc."""
    access: PrometheusAccess = PrometheusAccess()
    past: PrometheusHistory = PrometheusHistory()


class Usage(Settings, frozen=True):
    """How usage is counted."""

    cpu_histogram_decay_half_life: Duration = DAY
    """A sample of cpu that much older counts half."""
    memory_histogram_decay_half_life: Duration = DAY
    """A peak of memory that much older counts half."""
    memory_aggregation_interval: Duration = DAY
    """The interval whose peak counts as one sample of memory."""
    memory_aggregation_interval_count: int = 8
    """After so many intervals without a sample usage is forgotten."""
    oom_bump_up_ratio: float = 1.2
    """A container killed for memory is thought to need so many times what it had,"""
    oom_min_bump_up_bytes: float = 104857600.0
    """and at least so many bytes more."""


class Estimates(Settings, frozen=True):
    """How usage becomes a recommendation."""

    target_cpu_percentile: float = 0.9
    """Share of the cpu usage that the target covers."""
    recommendation_lower_bound_cpu_percentile: float = 0.5
    """Share of the cpu usage that the lower bound covers."""
    recommendation_upper_bound_cpu_percentile: float = 0.95
    """Share of the cpu usage that the upper bound covers."""
    target_memory_percentile: float = 0.9
    """Share of the memory peaks that the target covers."""
    recommendation_lower_bound_memory_percentile: float = 0.5
    """Share of the memory peaks that the lower bound covers."""
    recommendation_upper_bound_memory_percentile: float = 0.95
    """Share of the memory peaks that the upper bound covers."""
    recommendation_margin_fraction: float = 0.15
    """Added to what was used."""
    confidence_interval_cpu: Duration = DAY
    """So long a history of cpu counts as a confidence of 1; bounds narrow as it grows."""
    confidence_interval_memory: Duration = DAY
    """The same for memory."""
    pod_recommendation_min_cpu_millicores: float = 25.0
    """Least cpu of a pod, shared by its containers. kube-scaler.dev/pod-minimum-cpu overrides it for one object."""
    pod_recommendation_min_memory_mb: float = 250.0
    """Least memory of a pod in MiB. kube-scaler.dev/pod-minimum-memory overrides it for one object."""
    oom_floor: Duration = 0.0
    """A container killed for memory is so long not sized below what it was then thought to need, over restarts, and
    more after each further kill. Ours, off at 0. kube-scaler.dev/oom-floor overrides it for one object."""


class Capping(Settings, frozen=True):
    """What bounds and rounds a recommendation."""

    container_recommendation_max_allowed_cpu: Annotated[str, Knob(metavar="QUANTITY")] = ""
    """Most cpu of a container whose policy has no maximum of its own."""
    container_recommendation_max_allowed_memory: Annotated[str, Knob(metavar="QUANTITY")] = ""
    """Most memory of such a container."""
    fit_largest_node: bool = False
    """Size no pod beyond what the largest node has room for. Ours. kube-scaler.dev/fit-largest-node overrides it for
    one object."""
    round_cpu_millicores: int = 1
    """Cpu is raised to a multiple of this."""
    round_memory_bytes: int = 1
    """Memory is raised to a multiple of this."""
    cpu_integer_post_processor_enabled: bool = False
    """Cpu in whole cores for every container."""
    humanize_memory: bool = False
    """Memory with two decimals, as in 1.50Gi; it can end in fractions of a byte. Deprecated upstream."""


class RecommenderServing(Settings, frozen=True):
    """What the recommender listens on."""

    address: Address = ":8942"
    """Prometheus metrics at /metrics; /health-check, and /healthz and /readyz as all programs have."""
    recommendation_metrics: bool = True
    """Each recommendation as a metric, too: kube_scaler_vpa_recommendation, 8 lines a container."""


class RecommenderSettings(Settings, frozen=True):
    """The settings of `scaler recommender`."""

    cluster: Cluster = Cluster()
    objects: VpaObjects = VpaObjects()
    leader: Election = Election()
    loop: Loop = Loop()
    keeping: Keeping = Keeping()
    history: History = History()
    usage: Usage = Usage()
    estimates: Estimates = Estimates()
    capping: Capping = Capping()
    calls: ApiCalls = ApiCalls()
    serving: RecommenderServing = RecommenderServing()
    logs: Logs = Logs()

    def problems(self) -> list[Problem]:
        return [*super().problems(), *_numbers(self), *_quantities(self.capping)]


def _numbers(settings: RecommenderSettings) -> list[Problem]:
    loop, keeping, usage, estimates = settings.loop, settings.keeping, settings.usage, settings.estimates
    spans = (
        ("--recommender-interval", loop.recommender_interval),
        ("--update-worker-count", loop.update_worker_count),
        ("--checkpoint-interval", keeping.checkpoint_interval),
        ("--checkpoints-gc-interval", keeping.checkpoints_gc_interval),
        ("--cpu-histogram-decay-half-life", usage.cpu_histogram_decay_half_life),
        ("--memory-histogram-decay-half-life", usage.memory_histogram_decay_half_life),
        ("--memory-aggregation-interval", usage.memory_aggregation_interval),
        ("--memory-aggregation-interval-count", usage.memory_aggregation_interval_count),
        ("--confidence-interval-cpu", estimates.confidence_interval_cpu),
        ("--confidence-interval-memory", estimates.confidence_interval_memory),
        ("--round-cpu-millicores", settings.capping.round_cpu_millicores),
        ("--round-memory-bytes", settings.capping.round_memory_bytes),
    )
    found = [problem for flag, value in spans for problem in positive(flag, value)]
    shares = {name: getattr(estimates, name) for name in estimates.__struct_fields__ if name.endswith("_percentile")}
    found += [problem for name, value in shares.items() for problem in share("--" + name.replace("_", "-"), value)]
    if usage.oom_bump_up_ratio < 1:
        words = f"{usage.oom_bump_up_ratio:g} would give less than the container had: write 1 or more"
        found.append(Problem("--oom-bump-up-ratio", words, usage.oom_bump_up_ratio))
    least = {
        "--oom-min-bump-up-bytes": usage.oom_min_bump_up_bytes,
        "--recommendation-margin-fraction": estimates.recommendation_margin_fraction,
        "--pod-recommendation-min-cpu-millicores": estimates.pod_recommendation_min_cpu_millicores,
        "--pod-recommendation-min-memory-mb": estimates.pod_recommendation_min_memory_mb,
    }
    found += [Problem(flag, f"{value:g} must be 0 or more", value) for flag, value in least.items() if value < 0]
    return found


def _quantities(capping: Capping) -> list[Problem]:
    found = []
    for flag, text in (
        ("--container-recommendation-max-allowed-cpu", capping.container_recommendation_max_allowed_cpu),
        ("--container-recommendation-max-allowed-memory", capping.container_recommendation_max_allowed_memory),
    ):
        try:
            if text and exact_quantity(text) < 0:
                found.append(Problem(flag, f"{text} is negative: write 0 or more", text))
        except ValueError as error:
            found.append(Problem(flag, str(error), text))
    return found
