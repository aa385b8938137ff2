"""Whether the webhook works, by the Lease that it renews: pods that are evicted without it come back as they were."""

import logging

from scaler.clock import Clock
from scaler.errors import ApiError
from scaler.kube.connection import Connection
from scaler.kube.lanes import Lane
from scaler.kube.lease import Lease
from scaler.kube.resources import LEASES
from scaler.vertical.disruption import is_alive

log = logging.getLogger("scaler.updater")

EVERY = 5.0
"""Seconds between two looks."""


class WebhookStatus:
    """Looks again and again; `why_not` is empty while the webhook works."""

    def __init__(self, connection: Connection, clock: Clock, *, namespace: str, name: str, timeout: float) -> None:
        self._connection = connection
        self._clock = clock
        self._namespace = namespace
        self._name = name
        self._timeout = timeout
        self._lease: Lease | None = None
        self._unread = ""
        self._said = ""

    @property
    def why_not(self) -> str:
        """Why no pod may be moved now."""
        if self._unread:
            return self._unread
        where = f"Lease {self._namespace}/{self._name}"
        if self._lease is None:
            return f"there is no {where}: the webhook does not run, or renews another (--status-lease)"
        renewed, created = self._lease.spec.renew_time, self._lease.metadata.creation_timestamp
        if is_alive(renewed, created, self._clock.now(), self._timeout):
            return ""
        return f"the webhook has not renewed {where} since {renewed or created}"

    async def run(self) -> None:
        """Look, for ever."""
        while True:
            await self.look()
            why = self.why_not
            if why != self._said:
                log.log(logging.WARNING if why else logging.INFO, "%s", why or "the webhook works: pods may be moved")
            self._said = why
            await self._clock.sleep(EVERY)

    async def look(self) -> None:
        """Look once."""
        try:
            self._lease = await self._connection.get(
                LEASES, self._namespace, self._name, into=Lease, lane=Lane.URGENT
            )
            self._unread = ""
        except ApiError as error:
            if error.status == 404:
                self._lease, self._unread = None, ""
            else:  # what was read last goes on counting, until it is too old
                self._unread = "" if self._lease else f"the webhook's Lease cannot be read: {error}"
