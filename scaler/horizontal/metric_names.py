"""How external metrics are called on the wire; it knows nothing of what they measure.

Source: upstream's naming of external metrics, visible in every HPA.
"""

from collections.abc import Collection

COMPOSITE = "composite-metric"
"""The one metric that a formula gives; it has no index."""

_REPLACED = str.maketrans(dict.fromkeys("/.:%()", "-"))


def normalise(text: str) -> str:
    """The text with each of ``/ . : % ( )`` as a dash."""
    return text.translate(_REPLACED)


def metric_name(index: int, text: str) -> str:
    """The name of a trigger's metric: its position in spec.triggers, then the normalised text."""
    return f"s{index}-{normalise(text)}"


def spelling(asked: str, known: Collection[str]) -> str:
    """The known name that is asked for; what was asked when there is none.

    Kubernetes' client library writes a metric's name in lower case into the path, so case tells nothing.
    """
    if asked in known:
        return asked
    folded = asked.lower()
    return next((name for name in known if name.lower() == folded), asked)
