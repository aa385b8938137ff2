"""The settings of `scaler takeover` and of `scaler rollback`."""

from typing import Annotated, Literal

from scaler.settings.knobs import Alias, Knob
from scaler.settings.shared import Settings


class Installation(Settings, frozen=True):
    """Which cluster, and which installation of Scaler in it."""

    kubeconfig: Annotated[str, Knob(env=(Alias("KUBECONFIG"),), metavar="FILE")] = ""
    """How to reach the cluster; ~/.kube/config when empty."""
    context: str = ""
    """Context of the kubeconfig; its current one when empty."""
    pod_namespace: Annotated[str, Knob(env=(Alias("POD_NAMESPACE"),))] = "kube-scaler"
    """Namespace that Scaler runs in; what was taken over is recorded there, in the ConfigMap scaler-takeover."""
    leader_election_id: str = "scaler-operator"
    """Name of the operator's Lease."""
    cert_secret_name: str = "scaler-certificates"  # noqa: S105 - the name of a Secret, not a secret
    """The Secret with our certificates, whose authority the APIService gets."""


class Doing(Settings, frozen=True):
    """How it is done."""

    yes: Annotated[bool, Knob(short="-y", switch=True)] = False
    """Do not ask: the plan is shown and carried out."""
    dry_run: Annotated[bool, Knob(switch=True)] = False
    """Only show the plan."""
    output: Annotated[Literal["text", "json"], Knob(short="-o")] = "text"
    """How the plan is written; json takes --dry-run or --yes beside it."""


class TakeoverSettings(Settings, frozen=True):
    """The settings of `scaler takeover` and of `scaler rollback`."""

    installation: Installation = Installation()
    doing: Doing = Doing()
