"""A watch over HTTP: one JSON line an event, for as long as both sides like.

Source: the watch semantics of the API concepts: where it starts, synthetic events, bookmarks, streaming lists.
"""

import asyncio
from collections.abc import Iterable, Iterator

from aiohttp import web

from scaler.errors import Problem
from scaler.sim.apiserver import refusals, shapes
from scaler.sim.apiserver.answers import Call
from scaler.sim.apiserver.registry import Registry
from scaler.sim.apiserver.requests import flag
from scaler.sim.apiserver.store import ADDED, Object, encode
from scaler.sim.apiserver.watches import Change, Selection, Watch

LONGEST = 1800.0
"""Seconds a watch lives when the caller does not say."""
BOOKMARK_EVERY = 60.0
LAST_BOOKMARK = 2.0
"""Seconds before its end a watch gets a bookmark, so that the next one can go on from there."""
INITIAL_EVENTS_END = "k8s.io/initial-events-end"


async def follow(registry: Registry, call: Call, chosen: Selection) -> web.StreamResponse:
    """Stream the changes of a selection until the deadline, or until the resource is gone."""
    return await _Stream(registry, call, chosen).run()


class _Stream:
    def __init__(self, registry: Registry, call: Call, chosen: Selection) -> None:
        self.call = call
        self.chosen = chosen
        self.registry = registry
        self.table = registry.store.table(call.served.resource.table)
        self.shape = shapes.chosen(call.accept, call.query.get("includeObject", ""), registry.clock.now())
        self.bookmarks = flag(call.query, "allowWatchBookmarks")
        self.streaming_list = flag(call.query, "sendInitialEvents")
        self.loop = asyncio.get_running_loop()
        self.deadline = self.loop.time() + float(call.query.get("timeoutSeconds") or LONGEST)
        self.next_bookmark = self._bookmark_time()

    async def run(self) -> web.StreamResponse:
        start = self._start()
        first = b"".join(self._initial()) if start is None else b""
        watch = Watch(self.table, self.chosen, self.registry.store.version if start is None else start)
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        await response.prepare(self.call.request)
        if first:
            await response.write(first)
        await self._pump(watch, response)
        await response.write_eof()
        return response

    def _start(self) -> int | None:
        """The version to go on from; None for beginning with what there is."""
        query = self.call.query
        text, match = query.get("resourceVersion", ""), query.get("resourceVersionMatch", "")
        if self.streaming_list or "sendInitialEvents" in query:
            self._check_streaming(match)
        if "sendInitialEvents" in query and not self.streaming_list:
            return int(text) if text not in {"", "0"} else self.registry.store.version
        if self.streaming_list or text in {"", "0"}:
            return None
        if not text.isdigit():
            raise refusals.bad_request(f'resourceVersion: Invalid value: "{text}": must be a whole number')
        return int(text)

    def _check_streaming(self, match: str) -> None:
        if match != "NotOlderThan":
            said = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
            problem = Problem("resourceVersionMatch", said)
            raise refusals.invalid("meta.k8s.io", "ListOptions", "", [problem])

    def _initial(self) -> Iterator[bytes]:
        """What there is, as if it were added now; a streaming list marks its end."""
        served = self.call.served
        for stored in self.registry.list(served, self.chosen.namespace):
            if self.chosen.everything or self.chosen.matches(stored.object):
                yield self._line(ADDED, self.shape.one(served, stored))
        if self.streaming_list and self.bookmarks:
            yield self._bookmark({INITIAL_EVENTS_END: "true"})

    async def _pump(self, watch: Watch, response: web.StreamResponse) -> None:
        while not self.table.dropped:
            try:
                lines = b"".join(self._lines(watch.pending()))
            except refusals.Refusal as refusal:
                await response.write(self._line("ERROR", encode(refusal.status)))
                return
            if lines:
                await response.write(lines)
            if watch.behind():
                continue
            now = self.loop.time()
            if now >= self.deadline:
                return
            if self.bookmarks and now >= self.next_bookmark:
                await response.write(self._bookmark({}))
                self.next_bookmark = self._bookmark_time()
                continue
            await self._rest(now)

    async def _rest(self, now: float) -> None:
        """Until the next change, bookmark or the end."""
        until = min(self.deadline, self.next_bookmark) if self.bookmarks else self.deadline
        try:
            async with asyncio.timeout(max(until - now, 0.001)):
                await self.table.changed()
        except TimeoutError:
            return

    def _lines(self, changes: Iterable[Change]) -> Iterator[bytes]:
        for kind, stored in changes:
            yield self._line(kind, self.shape.one(self.call.served, stored))

    def _line(self, kind: str, obj: bytes) -> bytes:
        return b'{"type":"' + kind.encode() + b'","object":' + obj + b"}\n"

    def _bookmark(self, annotations: dict[str, str]) -> bytes:
        meta: Object = {"resourceVersion": str(self.registry.store.version), "creationTimestamp": None}
        if annotations:
            meta["annotations"] = annotations
        return self._line("BOOKMARK", self.shape.bookmark(self.call.served, meta))

    def _bookmark_time(self) -> float:
        now = self.loop.time()
        before_end = self.deadline - LAST_BOOKMARK
        regular = now + BOOKMARK_EVERY
        return min(regular, before_end) if before_end > now else regular
