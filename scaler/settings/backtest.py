"""The settings of `scaler backtest`."""

from typing import Annotated, Literal

from scaler.clock import from_rfc3339
from scaler.errors import Problem
from scaler.settings.knobs import Duration, Knob
from scaler.settings.prometheus import PrometheusAccess, PrometheusHistory
from scaler.settings.shared import Settings


class Recording(Settings, frozen=True):
    """The load that is played."""

    load: Annotated[str, Knob(metavar="FILE")] = ""
    """A recorded load: CSV (a time, then cpu, memory or requests) or a numpy archive; docs/recorded.md has both."""
    series: str = ""
    """Which series of a recording with several; by default the one that is called like the workload."""
    prometheus: Annotated[str, Knob(metavar="URL")] = ""
    """Instead of a file: the Prometheus that watches the workload, for what its pods used."""
    journal: Annotated[str, Knob(metavar="DIR")] = ""
    """Instead of both: a journal of the operator. With FILEs, what their triggers showed is the load; without, every
    decision in it is made again, and held against the one that was made."""
    history: Duration = 0.0
    """How much of its end is played, as in 14d. 0: all of a file, --history-length of a Prometheus."""
    until: Annotated[str, Knob(metavar="TIME")] = ""
    """Where a Prometheus is read up to, as in 2026-02-10T00:00:00Z; now when empty."""
    peak: float = 0.0
    """Its peak, in cores, or in messages a second for a queue. 0: what it says itself, and of a recording without a
    unit the shape, with a peak that the workload as it is works at 70 % of its requests."""
    pod_rate: float = 0.0
    """Messages a second that one pod finishes. 0: its trigger's target in 30 s."""


class Assumptions(Settings, frozen=True):
    """What is tried, and under which conditions."""

    add_vpa: Annotated[bool, Knob(switch=True)] = False
    """Give every workload without a VPA a plain one, to see what it would do."""
    add_hpa: int = 0
    """Give every workload without an HPA one at this percentage of its cpu request."""
    startup: Duration = 20.0
    """Time from a pod's creation until it is ready."""
    noise: float = 0.0
    """Relative spread of the load from step to step, as in 0.05."""
    skew: float = 0.0
    """Relative spread of what each pod gets of the load."""
    seed: int = 0
    """Of all that is left to chance; the same seed gives the same run."""
    step: Duration = 0.0
    """Length of a simulated step; 15s up to 31 days of load, 1m above, when 0."""


class Money(Settings, frozen=True):
    """What capacity costs."""

    price_core: float = 0.04048
    """Price of a core for an hour. The default is AWS Fargate's in us-east-1 (Linux, x86), in US dollars."""
    price_gib: float = 0.004445
    """Price of a GiB of memory for an hour; the default likewise."""
    currency: str = "$"
    """What stands before amounts."""


class BacktestSettings(Settings, frozen=True):
    """The settings of `scaler backtest`."""

    recording: Recording = Recording()
    access: PrometheusAccess = PrometheusAccess()
    past: PrometheusHistory = PrometheusHistory()
    assumptions: Assumptions = Assumptions()
    money: Money = Money()
    namespace: Annotated[str, Knob(short="-n")] = "default"
    """Namespace of objects that name none."""
    page: Annotated[str, Knob(metavar="FILE")] = ""
    """Write a page with pictures there: one HTML file that needs nothing else."""
    jobs: int = 0
    """Processes that play at once; one for each core when 0."""
    output: Annotated[Literal["text", "json", "yaml"], Knob(short="-o")] = "text"
    """How the answer is written."""

    def problems(self) -> list[Problem]:
        found = super().problems()
        given = (self.recording.load, self.recording.prometheus, self.recording.journal)
        if sum(map(bool, given)) != 1:
            words = "--prometheus or --journal: give one of them, as in --load requests.csv"
            found.append(Problem("--load", words))
        if self.recording.until and not _is_time(self.recording.until):
            words = f"{self.recording.until!r} is no time such as 2026-02-10T00:00:00Z"
            found.append(Problem("--until", words))
        for flag, value in (
            ("--peak", self.recording.peak),
            ("--pod-rate", self.recording.pod_rate),
            ("--noise", self.assumptions.noise),
            ("--skew", self.assumptions.skew),
            ("--price-core", self.money.price_core),
            ("--price-gib", self.money.price_gib),
            ("--jobs", self.jobs),
        ):
            if not 0 <= value < float("inf"):
                found.append(Problem(flag, f"{value:g} must be zero or more", value))
        step = self.assumptions.step
        if step and not 1 <= step <= 300:
            found.append(Problem("--step", f"{step:g}s must be from 1s to 5m", step))
        if not 0 <= self.assumptions.add_hpa <= 1000:
            found.append(Problem("--add-hpa", "must be a percentage of the request", self.assumptions.add_hpa))
        return found


def _is_time(text: str) -> bool:
    try:
        from_rfc3339(text)
    except ValueError:
        return False
    return True
