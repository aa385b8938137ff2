"""Whether a program is alive and ready, as values; `scaler.serving.health` and the webhook serve them."""

from collections.abc import Awaitable, Callable

Check = Callable[[], str]
"""Why something is not well; empty when it is."""
Render = Callable[[], bytes | Awaitable[bytes]]
"""The metrics in Prometheus' text format."""

TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8"


class Health:
    """What must hold for the program to be ready. A standby is ready: it does what a standby does."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}

    def check(self, name: str, check: Check) -> None:
        """Ready only while this check finds nothing."""
        self._checks[name] = check

    def problems(self) -> dict[str, str]:
        """What is not well, by name."""
        found = {name: check() for name, check in self._checks.items()}
        return {name: why for name, why in found.items() if why}
