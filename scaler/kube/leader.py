"""One of several replicas leads: the one that holds the Lease and keeps renewing it.

The rules are those of client-go: a Lease is taken when its holder released it or was silent for its duration, as
measured here and not by the holder's clock; a leader that could not renew within the deadline must stop acting.
What leading means is the caller's business.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import Callable, Mapping

from scaler.api.meta import Raw
from scaler.clock import Clock
from scaler.errors import ApiError
from scaler.kube.connection import Connection
from scaler.kube.informer import Informer
from scaler.kube.lanes import Lane
from scaler.kube.lease import Holder, Lease, held, holder_of, released
from scaler.kube.resources import LEASES

__all__ = ["Elector", "Holder", "watch_holder"]

logger = logging.getLogger(__name__)

NO_ANSWER = "no answer in time"


class Elector:
    """A candidate for one Lease. Times are seconds; `advertise` becomes annotations of the Lease we hold."""

    def __init__(
        self,
        connection: Connection,
        clock: Clock,
        *,
        namespace: str,
        name: str,
        identity: str,
        duration: float = 15.0,
        deadline: float = 10.0,
        retry: float = 2.0,
        advertise: Mapping[str, str] | None = None,
    ) -> None:
        self.leading = False
        self.holder = ""
        """Who holds the Lease, as last seen; empty when nobody does."""
        self.transitions = 0
        """How often it changed hands."""
        self._connection = connection
        self._clock = clock
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._duration = duration
        self._deadline = deadline
        self._retry = retry
        self._advertise = dict(advertise or {})
        self._lease: Raw | None = None
        self._changed_at = 0.0
        self._stopping = asyncio.Event()
        self._stirred = asyncio.Event()
        self._watch = _watched(connection, namespace, name)
        self._watch.on_change(lambda _old, new: self._stir(new))

    def stop(self) -> None:
        """Give the Lease back, and have `run` return."""
        self._stopping.set()
        self._stirred.set()

    async def run(self, on_started: Callable[[], None], on_lost: Callable[[str], None]) -> None:
        """Stand by, lead, and return: after `stop` with the Lease given back, after a loss with `on_lost` called."""
        watching = asyncio.create_task(self._watch.run(), name="lease")
        try:
            self.leading = await self._acquire()
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        if not self.leading:
            return
        logger.info("we hold the Lease", extra={"lease": self._name, "identity": self._identity})
        on_started()
        why = await self._keep()
        self.leading = False
        if why:
            logger.error("the Lease is lost", extra={"lease": self._name, "why": why})
            on_lost(why)
        else:
            await self._give_back()

    async def _acquire(self) -> bool:
        """True once it is ours, False when we were stopped before."""
        said = ""
        while not self._stopping.is_set():
            try:
                async with asyncio.timeout(self._deadline):
                    if await self._take():
                        return True
                said = ""
            except (ApiError, TimeoutError) as error:
                why = str(error) or NO_ANSWER
                if why != said:  # the same words every two seconds help nobody
                    logger.warning("the Lease cannot be had", extra={"lease": self._name, "error": why})
                said = why
            await self._rest()
        return False

    async def _take(self) -> bool:
        await self._read()
        if self._lease is None:
            return await self._create()
        silent = asyncio.get_running_loop().time() - self._changed_at
        patience = self._lease["spec"].get("leaseDurationSeconds") or 0
        if self.holder not in {"", self._identity} and silent < patience:
            return False
        return await self._update()

    async def _keep(self) -> str:
        """Renew until stopped, or until the Lease is lost: then why."""
        loop = asyncio.get_running_loop()
        renewed = loop.time()
        why = NO_ANSWER
        while not await self._stopped_within(self._retry):
            begun = loop.time()
            left = self._deadline - (begun - renewed)
            if left <= 0:
                return f"it could not be renewed for {begun - renewed:.1f} s: {why}"
            try:
                async with asyncio.timeout(min(left, self._deadline / 2)):
                    if not await self._renew():
                        return f"{self.holder or 'nobody'} holds it"
                renewed = begun
            except (ApiError, TimeoutError) as error:
                why = str(error) or NO_ANSWER
                logger.warning("the Lease was not renewed", extra={"lease": self._name, "error": why})
        return ""

    async def _renew(self) -> bool:
        if await self._update():
            return True
        await self._read()
        if self._lease is None:
            return await self._create()
        return self.holder == self._identity and await self._update()

    async def _give_back(self) -> None:
        try:
            async with asyncio.timeout(self._deadline / 2):
                if not await self._put(released(self._lease or {}, self._clock.now())):
                    await self._read()
                    if self.holder == self._identity:
                        await self._put(released(self._lease or {}, self._clock.now()))
            logger.info("the Lease is given back", extra={"lease": self._name})
        except (ApiError, TimeoutError) as error:
            logger.warning(
                "the Lease was not given back", extra={"lease": self._name, "error": str(error) or NO_ANSWER}
            )

    async def _read(self) -> None:
        try:
            found = await self._connection.get(LEASES, self._namespace, self._name, into=Raw, lane=Lane.URGENT)
        except ApiError as error:
            if error.status != 404:
                raise
            self._lease, self.holder = None, ""
            return
        found.setdefault("spec", {})
        if self._lease is None or self._lease["spec"] != found["spec"]:
            self._changed_at = asyncio.get_running_loop().time()
        self._keep_copy(found)

    async def _create(self) -> bool:
        new: Raw = {
            "apiVersion": LEASES.api_version,
            "kind": "Lease",
            "metadata": {"name": self._name, "namespace": self._namespace},
        }
        body = self._ours(new)
        try:
            made = await self._connection.create(LEASES, self._namespace, body, into=Raw, lane=Lane.URGENT)
        except ApiError as error:
            if error.status != 409:
                raise
            return False
        self._keep_copy(made)
        return True

    async def _update(self) -> bool:
        return self._lease is not None and await self._put(self._ours(self._lease))

    async def _put(self, lease: Raw) -> bool:
        """False when somebody else wrote it first, or deleted it."""
        try:
            written = await self._connection.update(
                LEASES, self._namespace, self._name, lease, into=Raw, lane=Lane.URGENT
            )
        except ApiError as error:
            if error.status not in {404, 409}:
                raise
            return False
        self._keep_copy(written)
        return True

    def _ours(self, lease: Raw) -> Raw:
        metadata = lease["metadata"]
        annotations = {**(metadata.get("annotations") or {}), **self._advertise}
        named = lease | {"metadata": metadata | {"annotations": annotations}}
        return held(named, self._identity, self._duration, self._clock.now())

    def _keep_copy(self, lease: Raw) -> None:
        self._lease = lease
        self.holder = lease["spec"].get("holderIdentity") or ""
        self.transitions = lease["spec"].get("leaseTransitions") or 0

    def _stir(self, lease: Lease | None) -> None:
        """Somebody wrote it: if it is free now, do not wait for the next try."""
        if holder_of(lease) is None:
            self._stirred.set()

    async def _rest(self) -> None:
        pause = self._retry * random.uniform(0.8, 1.0)  # noqa: S311 # so that candidates do not move in step
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._stirred.wait()
        self._stirred.clear()

    async def _stopped_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        return self._stopping.is_set()


async def watch_holder(
    connection: Connection, namespace: str, name: str, on_holder: Callable[[Holder | None], None]
) -> None:
    """Tell who holds a Lease, now and whenever that or what they advertise changes; renewals are not told."""
    watch = _watched(connection, namespace, name)
    told: list[Holder | None] = []

    def tell(holder: Holder | None) -> None:
        if not told or _public(told[-1]) != _public(holder):
            told[:] = [holder]
            on_holder(holder)

    watch.on_change(lambda _old, new: tell(holder_of(new)))
    async with asyncio.TaskGroup() as group:
        group.create_task(watch.run())
        await watch.synced.wait()
        if not told:
            tell(None)


def _public(holder: Holder | None) -> tuple[str, dict[str, str]] | None:
    return (holder.identity, holder.annotations) if holder else None


def _watched(connection: Connection, namespace: str, name: str) -> Informer[Lease]:
    return Informer(connection, LEASES, Lease, namespaces=(namespace,), fields=f"metadata.name={name}")
