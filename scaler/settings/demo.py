"""The settings of `scaler demo`."""

from typing import Annotated

from scaler.errors import Problem
from scaler.settings.knobs import Address, Knob
from scaler.settings.shared import Settings


class Show(Settings, frozen=True):
    """What the demo plays, and how it is shown."""

    load: Annotated[str, Knob(metavar="FILE")] = ""
    """A recorded load to play instead of the day: CSV of seconds (or RFC 3339 times) and messages a second."""
    minutes: float | None = None
    """How long the load takes to play, whatever time it covers: 3 minutes unless said otherwise, or 10 in a cluster
    of your own, whose HPA controller looks every 15 seconds."""
    keep_running: Annotated[bool, Knob(switch=True)] = False
    """Begin the day again when it is over, until Ctrl-C."""
    page_address: Address = "127.0.0.1:8666"
    """Where the live page is; the next free port when it is taken."""
    live: bool = True
    """The live view in the terminal; off where the output is no terminal."""
    namespace: Annotated[str, Knob(short="-n")] = "scaler-demo"
    """Namespace of the demo."""
    summary_file: Annotated[str, Knob(metavar="FILE")] = ""
    """Write the summary there as JSON too."""
    log_file: Annotated[str, Knob(metavar="FILE")] = ""
    """Write the programs' logs there; dropped when empty."""


class OwnCluster(Settings, frozen=True):
    """A cluster of your own to play in."""

    kubeconfig: Annotated[str, Knob(metavar="FILE")] = ""
    """Play in this cluster instead of one that lives in this process. It takes an administrator's rights; what is
    made there is named first, and taken away at the end."""
    context: str = ""
    """Context of the kubeconfig; its current one when empty."""
    yes: Annotated[bool, Knob(short="-y", switch=True)] = False
    """Do not ask before anything is made there."""
    reach: Annotated[str, Knob(metavar="IP")] = ""
    """Where that cluster's API server reaches this machine, when the two do not share a loopback; of kind it is the
    gateway of its Docker network."""
    image: str = "registry.k8s.io/pause:3.10"
    """What the workers run there: anything that waits until it is ended."""


class DemoSettings(Settings, frozen=True):
    """The settings of `scaler demo`."""

    show: Show = Show()
    own: OwnCluster = OwnCluster()

    @property
    def minutes(self) -> float:
        """How long it plays."""
        chosen = self.show.minutes
        return (10.0 if self.own.kubeconfig else 3.0) if chosen is None else chosen

    def problems(self) -> list[Problem]:
        found = []
        if self.minutes <= 0:
            found.append(Problem("--minutes", f"{self.minutes:g} is no time to play in; give more than 0"))
        if not self.own.kubeconfig:
            given = {"--context": self.own.context, "--yes": self.own.yes, "--reach": self.own.reach}
            words = "is about a cluster of your own: name it with --kubeconfig"
            found += [Problem(flag, words, value) for flag, value in given.items() if value]
        return found
