"""Events on users' objects, told once: recorded at once, written behind everything else.

Recording never waits and never fails. What is worth writing is `scaler.kube.correlation`'s business; what cannot be
written, or does not fit into the queue, is dropped and counted.
"""

import asyncio
import logging
from collections import Counter

from scaler.actions import Tell
from scaler.api.meta import Raw
from scaler.clock import Clock, to_rfc3339
from scaler.errors import ApiError
from scaler.kube.answers import Ack
from scaler.kube.connection import Connection
from scaler.kube.correlation import Correlator, Event
from scaler.kube.lanes import Lane
from scaler.kube.resources import EVENTS

logger = logging.getLogger(__name__)

WRITERS = 4
"""Events under way at once; those of one object keep their order."""
WAITING = 8192
"""Events that may wait: a start with thousands of objects has several for each."""
LONGEST_MESSAGE = 1024
"""Bytes that the API server takes."""


class Recorder:
    """Takes events and writes them while `run` runs.

    `component` is who tells, as KEDA's dashboards and alerts know it; `instance` is which replica of it.
    """

    def __init__(
        self, connection: Connection, clock: Clock, *, component: str = "keda-operator", instance: str = ""
    ) -> None:
        self.counts: Counter[str] = Counter()
        """Events by what became of them: written, flood, full, refused."""
        self._connection = connection
        self._clock = clock
        self._component = component
        self._instance = instance
        self._correlator = Correlator()
        self._queues: list[asyncio.Queue[Event]] = [asyncio.Queue(WAITING // WRITERS) for _ in range(WRITERS)]

    @property
    def dropped(self) -> int:
        """Events that nobody will see."""
        return self.counts["flood"] + self.counts["full"] + self.counts["refused"]

    def record(self, tell: Tell) -> None:
        """Take an event; never waits and never fails."""
        event = self._correlator.correlate(tell, self._clock.now())
        if event is None:
            self.counts["flood"] += 1
            return
        queue = self._queues[hash(tell.ref) % WRITERS]
        try:
            queue.put_nowait(event)
        except asyncio.QueueFull:
            self.counts["full"] += 1

    async def run(self) -> None:
        """Write what was recorded, for ever; cancel to stop."""
        async with asyncio.TaskGroup() as group:
            for queue in self._queues:
                group.create_task(self._drain(queue))

    async def flush(self, seconds: float) -> bool:
        """Wait until all that was recorded is written, but no longer than this; whether it was."""
        try:
            async with asyncio.timeout(seconds):
                for queue in self._queues:
                    await queue.join()
        except TimeoutError:
            return False
        return True

    async def _drain(self, queue: "asyncio.Queue[Event]") -> None:
        while True:
            event = await queue.get()
            try:
                await self._write(event)
                self.counts["written"] += 1
            except ApiError as error:
                # A namespace on its way out takes no events; nobody waits for one either way.
                self.counts["refused"] += 1
                logger.debug("an event was refused: %s", error)
            finally:
                queue.task_done()

    async def _write(self, event: Event) -> None:
        namespace = event.tell.ref.namespace or "default"
        body = self._body(event, namespace)
        if event.count > 1 and await self._counted_up(event, namespace, body):
            return
        await self._connection.create(EVENTS, namespace, body, into=Ack, lane=Lane.LAST)

    async def _counted_up(self, event: Event, namespace: str, body: Raw) -> bool:
        """False when the event is gone by now: they do not live long."""
        patch = {key: body[key] for key in ("count", "lastTimestamp", "message")}
        try:
            await self._connection.patch(EVENTS, namespace, event.name, patch, into=Ack, lane=Lane.LAST)
        except ApiError as error:
            if error.status != 404:
                raise
            return False
        return True

    def _body(self, event: Event, namespace: str) -> Raw:
        ref, tell = event.tell.ref, event.tell
        involved = {"kind": ref.kind, "name": ref.name, "apiVersion": ref.api_version, "uid": ref.uid}
        involved |= {"namespace": ref.namespace} if ref.namespace else {}
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": event.name, "namespace": namespace},
            "involvedObject": {key: value for key, value in involved.items() if value},
            "type": tell.type,
            "reason": tell.reason,
            "message": _cut(tell.message),
            "source": {"component": self._component},
            "reportingComponent": self._component,
            "reportingInstance": self._instance,
            "firstTimestamp": to_rfc3339(event.first),
            "lastTimestamp": to_rfc3339(event.last),
            "count": event.count,
        }


def _cut(message: str) -> str:
    """The beginning of a message that is too long, never half a character."""
    encoded = message.encode()
    if len(encoded) <= LONGEST_MESSAGE:
        return message
    return encoded[: LONGEST_MESSAGE - 3].decode("utf-8", "ignore") + "..."
