"""The record as a running program follows it."""

import asyncio
import logging
from collections.abc import Callable

from scaler.api.meta import Kind, ObjectMeta
from scaler.errors import Invalid
from scaler.kube.connection import Connection
from scaler.kube.informer import Informer
from scaler.kube.resources import CONFIG_MAPS
from scaler.takeover.record import NAME, Record, record_of

log = logging.getLogger("scaler.takeover")


class _ConfigMap(Kind, frozen=True):
    metadata: ObjectMeta = ObjectMeta()
    data: dict[str, str] = {}


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
