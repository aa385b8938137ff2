"""The Lease by which the updater knows that a pod which it evicts is sized when it comes back.

Every replica renews it, as upstream's do, and only while it works: it serves, it is registered, it knows the objects.
"""

import logging
from collections.abc import Callable

from scaler.api.meta import Raw
from scaler.clock import Clock, to_rfc3339_micro
from scaler.errors import ApiError
from scaler.kube.answers import Ack
from scaler.kube.connection import Connection
from scaler.kube.lanes import Lane
from scaler.kube.resources import LEASES

log = logging.getLogger("scaler.liveness")

EVERY = 10.0
"""Seconds between two signs of life; the updater waits a minute for one."""
BEFORE_THE_FIRST = 0.1
"""Seconds between two looks whether all is well, until it was for the first time."""


class StatusLease:
    """The Lease of one installation."""

    def __init__(self, connection: Connection, clock: Clock, *, namespace: str, name: str, identity: str) -> None:
        self._connection = connection
        self._clock = clock
        self._namespace = namespace
        self._name = name
        self._identity = identity

    async def keep(self, well: Callable[[], bool]) -> None:
        """Renew it for ever, while all is well."""
        said, pause = "", BEFORE_THE_FIRST
        while True:
            if well():
                pause = EVERY
                try:
                    await self.renew()
                    said = ""
                except ApiError as error:
                    if str(error) != said:
                        log.warning("lease %s/%s cannot be renewed: %s", self._namespace, self._name, error)
                    said = str(error)
            await self._clock.sleep(pause)

    async def renew(self) -> None:
        """One sign of life; ApiError when it could not be given."""
        spec = {"holderIdentity": self._identity, "renewTime": to_rfc3339_micro(self._clock.now())}
        try:
            await self._connection.patch(
                LEASES, self._namespace, self._name, {"spec": spec}, into=Ack, lane=Lane.URGENT
            )
        except ApiError as error:
            if error.status != 404:
                raise
            await self._create(spec)

    async def _create(self, spec: Raw) -> None:
        metadata = {"name": self._name, "namespace": self._namespace}
        body = {"apiVersion": LEASES.api_version, "kind": "Lease", "metadata": metadata, "spec": spec}
        try:
            await self._connection.create(LEASES, self._namespace, body, into=Ack, lane=Lane.URGENT)
        except ApiError as error:
            if error.status != 409:  # another replica was first
                raise
