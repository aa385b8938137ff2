"""What the largest node has room for, looked up only while somebody wants pods to fit it."""

import logging

from scaler.api.meta import Kind
from scaler.clock import Clock
from scaler.errors import ApiError
from scaler.kube.connection import Connection
from scaler.kube.resources import Resource
from scaler.vertical.amounts import RESOURCES, Amounts
from scaler.vertical.quantities import amounts_of

log = logging.getLogger("scaler.recommender")

NODES = Resource("", "v1", "nodes")
REMEMBERED = 300.0
"""Seconds for which an answer serves: node pools change rarely."""


class _Status(Kind, frozen=True):
    allocatable: dict[str, str] = {}


class _Spec(Kind, frozen=True):
    unschedulable: bool = False


class _Node(Kind, frozen=True):
    spec: _Spec = _Spec()
    status: _Status = _Status()


class Nodes:
    """Asked once in some minutes."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._largest: Amounts | None = None
        self._asked_at = 0.0

    async def largest(self) -> Amounts | None:
        """Most of each resource that any node allocates to pods; the last answer, or None, where nobody says."""
        now = self._clock.now()
        if now - self._asked_at >= REMEMBERED:
            self._asked_at = now
            try:
                listing = await self._connection.listing(NODES, into=_Node)
            except ApiError as error:
                log.warning("nodes cannot be read, so pods are not made to fit them", extra={"error": str(error)})
                return self._largest
            self._largest = _largest(listing.items) or self._largest
        return self._largest


def _largest(nodes: list[_Node]) -> Amounts:
    """Most of each resource by itself: with less a pod might be cut that some node has room for."""
    found = [amounts_of(node.status.allocatable) for node in nodes if not node.spec.unschedulable]
    return {resource: max(room.get(resource, 0) for room in found) for resource in RESOURCES} if found else {}
