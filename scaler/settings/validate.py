"""The settings of `scaler validate`."""

from typing import Annotated, Literal

from scaler.settings.knobs import Knob
from scaler.settings.shared import Settings


class ValidateSettings(Settings, frozen=True):
    """How problems are told."""

    output: Annotated[Literal["text", "json", "yaml"], Knob(short="-o")] = "text"
    """How they are written."""
    namespace: Annotated[str, Knob(short="-n")] = "default"
    """Namespace of objects that name none."""
    strict: Annotated[bool, Knob(switch=True)] = False
    """Warnings fail too."""
