"""The record as a running program follows it."""

import asyncio
import logging
from collections.abc import Callable

from scaler.api.meta import Kind, ObjectMeta
from scaler.errors import ApiError, Invalid
from scaler.kube.connection import Connection
from scaler.kube.informer import Informer
from scaler.kube.resources import CONFIG_MAPS
from scaler.takeover.record import NAME, Record, record_of
from scaler.takeover.steps import read_record

log = logging.getLogger("scaler.takeover")


class _ConfigMap(Kind, frozen=True):
    metadata: ObjectMeta = ObjectMeta()
    data: dict[str, str] = {}


FORBIDDEN = 403


def served(record: Record | None, *, beside: bool) -> frozenset[str] | None:
    """The namespaces to do VPA's work in; None for all.

    `beside` says that somebody alive has all that was not taken over: without a record that is everything. Where only
    KEDA was told to leave, VPA goes on with its own.
    """
    if record is None:
        return frozenset() if beside else None
    return frozenset(record.sized)


async def served_now(connection: Connection, home: str, *, beside: bool) -> frozenset[str] | None:
    """The same, by the record as it is; one that may not be read is taken for none."""
    try:
        record = await read_record(connection, home)
    except ApiError as refused:
        if refused.status != FORBIDDEN:
            raise
        log.warning("the record of takeovers may not be read, so there is none: %s", refused)
        record = None
    return served(record, beside=beside)


async def follow(connection: Connection, home: str, on_record: Callable[[Record | None], None]) -> None:
    """For ever: tell the record, None for none, now and after each change; what cannot be read changes nothing."""
    watch: Informer[_ConfigMap] = Informer(
        connection, CONFIG_MAPS, _ConfigMap, namespaces=(home,), fields=f"metadata.name={NAME}"
    )
    told: list[Record | None] = []

    def tell(found: _ConfigMap | None) -> None:
        try:
            record = None if found is None else record_of(found.data)
        except Invalid as wrong:
            log.error("the record of takeovers is not usable, what was known stays in force: %s", wrong)  # noqa: TRY400
            return
        if not told or told[-1] != record:
            told[:] = [record]
            on_record(record)

    watch.on_change(lambda _old, new: tell(new))
    async with asyncio.TaskGroup() as group:
        group.create_task(watch.run())
        await watch.synced.wait()
        if not told:
            tell(None)
