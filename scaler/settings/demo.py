"""The settings of `scaler demo`."""

from typing import Annotated

from scaler.errors import Problem
from scaler.settings.knobs import Address, Knob
from scaler.settings.shared import Settings


class DemoSettings(Settings, frozen=True):
    """What the demo plays."""

    load: Annotated[str, Knob(metavar="FILE")] = ""
    """A recorded load to play instead of the day: CSV of seconds (or RFC 3339 times) and messages a second."""
    minutes: float = 3.0
    """How long the load takes to play, whatever time it covers."""
    keep_running: Annotated[bool, Knob(switch=True)] = False
    """Begin the day again when it is over, until Ctrl-C."""
    page_address: Address = "127.0.0.1:8666"
    """Where the live page is; the next free port when it is taken."""
    live: bool = True
    """The live view in the terminal; off where the output is no terminal."""
    namespace: Annotated[str, Knob(short="-n")] = "scaler-demo"
    """Namespace of the demo's workload."""
    summary_file: Annotated[str, Knob(metavar="FILE")] = ""
    """Write the summary there as JSON too."""
    log_file: Annotated[str, Knob(metavar="FILE")] = ""
    """Write the programs' logs there; dropped when empty."""

    def problems(self) -> list[Problem]:
        if self.minutes > 0:
            return []
        return [Problem("--minutes", f"{self.minutes:g} is no time to play in; give more than 0", self.minutes)]
