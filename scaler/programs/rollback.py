"""`scaler rollback`: gives a namespace back to the KEDA and VPA that it was taken over from."""

from scaler.programs.takeover import run_back
from scaler.settings.takeover import TakeoverSettings


def run(settings: TakeoverSettings, namespace: str) -> int:
    """Give the namespace back; the exit code."""
    return run_back(settings, namespace)
