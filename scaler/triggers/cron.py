"""Scale for a time of day: so many replicas from one schedule to the next, nothing outside.

Outside its window it does not cap other triggers: the highest of all wins.
"""

from collections.abc import Callable, Iterable, Mapping

from scaler.api.scaledobject import TriggerSpec
from scaler.errors import Problem
from scaler.schedule import parse_schedule, timezone
from scaler.triggers.connections import Connections
from scaler.triggers.contract import BuildContext, Trigger
from scaler.triggers.parameters import Parameters

_SPELT = (("*", "x"), ("/", "Sl"), ("?", "Qm"), (",", "Cm"), (" ", ""))
"""How a schedule stands in the metric's name."""
_NEVER = float("-inf")
"""Upstream takes a schedule that never comes for one that came long ago."""


class CronParameters(Parameters, frozen=True, kw_only=True):
    """Parameters of cron."""

    start: str
    """When the window opens: five fields, minute hour day-of-month month day-of-week."""
    end: str
    """When it closes."""
    timezone: str
    """Zone of both, such as Europe/Berlin."""
    desired_replicas: int
    """Replicas within the window."""

    def problems(self) -> Iterable[Problem]:
        for field in ("start", "end"):
            yield from self._readable(field, parse_schedule)
        yield from self._readable("timezone", timezone)
        if self.start == self.end:
            yield self.complain("end", "must differ from start")
        if self.desired_replicas < 1:
            yield self.complain("desired_replicas", "must be at least 1")

    def _readable(self, field: str, read: object) -> Iterable[Problem]:
        assert callable(read)
        try:
            read(getattr(self, field))
        except ValueError as error:
            yield self.complain(field, str(error))


class Cron(Trigger[CronParameters]):
    """Asks nobody: the window is arithmetic."""

    def prepare(self) -> None:
        self._start = parse_schedule(self.parameters.start)
        self._end = parse_schedule(self.parameters.end)
        self._zone = timezone(self.parameters.timezone)

    @property
    def metric(self) -> str:
        return f"cron-{self.parameters.timezone}-{_spelt(self.parameters.start)}-{_spelt(self.parameters.end)}"

    @property
    def place(self) -> str:
        return f'cron schedule "{self.parameters.start}" to "{self.parameters.end}"'

    @property
    def target(self) -> float:
        return 1.0

    async def read(self, io: Connections) -> float:
        """The replicas within the window, else 0: it is open while it closes before it opens again."""
        return self.value(io.now())

    def value(self, now: float) -> float:
        """The same at any time, in epoch seconds."""
        closes, opens = (schedule.next(now, self._zone) for schedule in (self._end, self._start))
        is_open = (_NEVER if closes is None else closes) <= (_NEVER if opens is None else opens)
        return float(self.parameters.desired_replicas) if is_open else 0.0


def shown_by(metadata: Mapping[str, str]) -> Callable[[float], float]:
    """What a trigger with this metadata shows at any time, in epoch seconds; raises Invalid."""
    cron = Cron(CronParameters.parse(metadata), TriggerSpec("cron", dict(metadata)), BuildContext("", ""))
    cron.prepare()
    return cron.value


def _spelt(schedule: str) -> str:
    for sign, letters in _SPELT:
        schedule = schedule.replace(sign, letters)
    return schedule
