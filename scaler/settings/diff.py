"""The settings of `scaler diff`."""

from typing import Annotated, Literal

from scaler.settings.backtest import Money
from scaler.settings.knobs import Alias, Duration, Knob
from scaler.settings.shared import Settings


class Looking(Settings, frozen=True):
    """What is looked at."""

    namespace: Annotated[str, Knob(short="-n")] = ""
    """Namespace; the kubeconfig's own, else default, when empty."""
    all_namespaces: Annotated[bool, Knob(short="-A", switch=True)] = False
    """Every namespace."""
    kubeconfig: Annotated[str, Knob(env=(Alias("KUBECONFIG"),), metavar="FILE")] = ""
    """How to reach the cluster; ~/.kube/config when empty."""
    context: str = ""
    """Context of the kubeconfig; its current one when empty."""
    timeout: Duration = 30.0
    """How long each question may take."""


class Supposed(Settings, frozen=True):
    """How we would decide."""

    no_data: Literal["upstream", "strict"] = "upstream"
    """As the operator's flag of that name."""
    activate_to: Literal["minimum", "demand"] = "minimum"
    """As the operator's flag of that name."""


class DiffSettings(Settings, frozen=True):
    """The settings of `scaler diff`."""

    looking: Looking = Looking()
    supposed: Supposed = Supposed()
    money: Money = Money()
    show_same: Annotated[bool, Knob(short="-a", switch=True)] = False
    """Show workloads too for which we would decide the same."""
    output: Annotated[Literal["text", "json", "yaml"], Knob(short="-o")] = "text"
    """How the answer is written."""
