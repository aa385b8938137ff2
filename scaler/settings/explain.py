"""The settings of `scaler explain`."""

from typing import Annotated, Literal

from scaler.settings.knobs import Alias, Duration, Knob
from scaler.settings.shared import Settings


class ExplainSettings(Settings, frozen=True):
    """Which object, and where it is found."""

    namespace: Annotated[str, Knob(short="-n")] = ""
    """Namespace of the object; the kubeconfig's own, else default, when empty."""
    kubeconfig: Annotated[str, Knob(env=(Alias("KUBECONFIG"),), metavar="FILE")] = ""
    """How to reach the cluster; ~/.kube/config when empty."""
    context: str = ""
    """Context of the kubeconfig; its current one when empty."""
    timeout: Duration = 10.0
    """How long each question may take."""
    output: Annotated[Literal["text", "json", "yaml"], Knob(short="-o")] = "text"
    """How the answer is written."""
