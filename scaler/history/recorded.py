"""One recorded series, with what a reader should know of it."""

import msgspec

from scaler.history.series import Mending, Series


class Recorded(msgspec.Struct, frozen=True, eq=False):
    """One series of a file."""

    name: str
    """Whose it is: the container, the queue; the file's name where the file does not say."""
    metric: str
    """What was measured, as the file calls it: cpu, memory, requests."""
    unit: str
    """As the file has it; empty when it says nothing."""
    dated: bool
    """Whether its times are of the epoch; else they count from an unknown beginning."""
    series: Series
    mending: Mending = Mending()
    remarks: tuple[str, ...] = ()
    """What else the reader had to assume."""

    @property
    def notes(self) -> tuple[str, ...]:
        """All that one should know before one believes it."""
        return (*self.remarks, *self.mending.notes)
