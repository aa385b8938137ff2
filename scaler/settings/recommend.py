"""The settings of `scaler recommend`."""

from typing import Annotated, Literal

from scaler.clock import from_rfc3339
from scaler.errors import Problem
from scaler.settings.backtest import Money
from scaler.settings.knobs import Alias, Duration, Knob
from scaler.settings.prometheus import PrometheusAccess, PrometheusHistory
from scaler.settings.shared import Settings

DAY = 86400.0


class Source(Settings, frozen=True):
    """Where usage is read from, unless FILEs are given."""

    prometheus: Annotated[str, Knob(short="-p", metavar="URL", env=(Alias("PROMETHEUS_URL"),))] = ""
    """The Prometheus that watches the cluster. Empty: metrics.k8s.io of the cluster, which knows this moment only."""
    namespace: Annotated[tuple[str, ...], Knob(short="-n")] = ()
    """Only these namespaces; all when empty."""
    kubeconfig: Annotated[str, Knob(env=(Alias("KUBECONFIG"),), metavar="FILE")] = ""
    """How to reach the cluster, for metrics.k8s.io."""
    context: str = ""
    """Context of the kubeconfig; its current one when empty."""
    until: Annotated[str, Knob(metavar="TIME")] = ""
    """The moment up to which the past is read, as in 2026-01-31T08:00:00Z; now when empty."""
    watch_for: Duration = 0.0
    """How long to look at metrics.k8s.io, every 15 seconds; once when 0."""

    def problems(self) -> list[Problem]:
        try:
            from_rfc3339(self.until or "2026-01-31T08:00:00Z")
        except ValueError as wrong:
            return [Problem("--until", str(wrong), self.until)]
        return []


class Recorded(Settings, frozen=True):
    """What files do not say."""

    unit: Annotated[tuple[str, ...], Knob(metavar="METRIC=UNIT,...")] = ()
    """What a metric counts, as in cpu=m,memory=MiB; cores, m, bytes, KiB, MiB, GiB, kB, MB, GB or %."""
    capacity: Annotated[tuple[str, ...], Knob(metavar="cpu=N,memory=N")] = ()
    """What 100 % is, as in cpu=16,memory=64Gi."""
    request: Annotated[tuple[str, ...], Knob(metavar="cpu=N,memory=N")] = ()
    """What is requested now, as in cpu=2,memory=4Gi."""


class Estimate(Settings, frozen=True):
    """How usage becomes a recommendation: the Vertical Pod Autoscaler's numbers, unless you say otherwise."""

    target_cpu_percentile: float = 0.9
    """Share of the cpu usage that the target covers."""
    target_memory_percentile: float = 0.9
    """Share of the daily memory peaks that the target covers."""
    recommendation_margin_fraction: float = 0.15
    """Added to what was used."""
    pod_recommendation_min_cpu_millicores: float = 25.0
    """Least cpu of a pod, shared by its containers."""
    pod_recommendation_min_memory_mb: float = 250.0
    """Least memory of a pod in MiB."""
    cpu_histogram_decay_half_life: Duration = DAY
    """A sample of cpu that much older counts half."""
    memory_histogram_decay_half_life: Duration = DAY
    """A peak of memory that much older counts half."""
    limits: Literal["ratio", "equal", "no-cpu"] = "ratio"
    """What patches do with limits: keep their ratio to requests, set them equal, or keep no CPU limit."""

    def problems(self) -> list[Problem]:
        found = []
        for flag, share in (
            ("--target-cpu-percentile", self.target_cpu_percentile),
            ("--target-memory-percentile", self.target_memory_percentile),
        ):
            if not 0 < share <= 1:
                found.append(Problem(flag, f"{share:g} is no share: write more than 0 and at most 1", share))
        for flag, least in (
            ("--recommendation-margin-fraction", self.recommendation_margin_fraction),
            ("--pod-recommendation-min-cpu-millicores", self.pod_recommendation_min_cpu_millicores),
            ("--pod-recommendation-min-memory-mb", self.pod_recommendation_min_memory_mb),
        ):
            if least < 0:
                found.append(Problem(flag, f"{least:g} must be 0 or more", least))
        for flag, span in (
            ("--cpu-histogram-decay-half-life", self.cpu_histogram_decay_half_life),
            ("--memory-histogram-decay-half-life", self.memory_histogram_decay_half_life),
        ):
            if span <= 0:
                found.append(Problem(flag, f"{span:g}s must be more than 0", span))
        return found


class Output(Settings, frozen=True):
    """What is written."""

    output: Annotated[Literal["text", "json", "yaml", "patches", "vpa"], Knob(short="-o")] = "text"
    """On the standard output: a table, all figures, patches to paste, or VerticalPodAutoscalers that recommend."""
    page: Annotated[str, Knob(metavar="FILE")] = ""
    """Write a page with pictures there: one HTML file that needs nothing else."""
    patches: Annotated[str, Knob(metavar="DIR")] = ""
    """Write a patch a workload there, with a kustomization that names them."""


class RecommendSettings(Settings, frozen=True):
    """The settings of `scaler recommend`."""

    source: Source = Source()
    access: PrometheusAccess = PrometheusAccess()
    history: PrometheusHistory = PrometheusHistory()
    recorded: Recorded = Recorded()
    estimate: Estimate = Estimate()
    money: Money = Money()
    output: Output = Output()

    def problems(self) -> list[Problem]:
        prices = (("--price-core", self.money.price_core), ("--price-gib", self.money.price_gib))
        wrong = [
            Problem(flag, f"{price:g} is no price: write 0 or more", price) for flag, price in prices if price < 0
        ]
        return [*super().problems(), *wrong]
