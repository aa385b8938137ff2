"""A copy of one kind of object that follows the cluster: list, then watch, and list again when a watch is lost.

Made lean, for tens of thousands of pods: objects are decoded straight into small structs, there is no task an
event, and the garbage collector rests while a long list is read. It decides nothing and writes nothing.
"""

import asyncio
import contextlib
import gc
import logging
import random
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sized
from typing import Any, Generic, TypeVar

import msgspec

from scaler.errors import ApiError
from scaler.kube.answers import NoAnswer, Page, decoder, refusal
from scaler.kube.connection import UNDECODABLE, Connection, selectors
from scaler.kube.resources import Resource
from scaler.kube.store import Indexer, Kept, Key, Store

logger = logging.getLogger(__name__)

T = TypeVar("T", bound=Kept)

SILENCE = 150.0
"""Seconds without a byte after which a watch is taken for dead; API servers send a bookmark each minute."""
LONGEST_WATCH = 600
"""Seconds after which the server is asked to end a watch; the shortest is half of it, so that not all end at once."""
SHORT_WATCH = 1.0
"""Seconds; a watch that ends sooner is not begun again at once."""
LONGEST_PAUSE = 10.0
"""Seconds between two tries while the server refuses."""
LONG_LIST = 1000
"""Objects from which a list is worth freezing."""


class _Change(msgspec.Struct, Generic[T], frozen=True):
    """One line of a watch."""

    type: str
    object: T


class _Bare(msgspec.Struct, frozen=True):
    """What any line of a watch has, whatever its kind."""

    type: str
    object: msgspec.Raw


class _BareMeta(msgspec.Struct, frozen=True, rename="camel"):
    name: str = ""
    namespace: str = ""
    resource_version: str = ""


class _BareObject(msgspec.Struct, frozen=True):
    metadata: _BareMeta = _BareMeta()


class Informer(Store[T]):
    """The objects of one resource as a cluster has them, a moment late.

    `kind` is the struct they are decoded to; what it does not declare is pruned. `namespaces` empty means all.
    Handlers run on the loop, between two reads. An object that `kind` cannot hold is left out, and named in the log.
    """

    def __init__(
        self,
        connection: Connection,
        resource: Resource,
        kind: type[T],
        *,
        namespaces: Collection[str] = (),
        labels: str = "",
        fields: str = "",
        indexes: Mapping[str, Indexer[T]] | None = None,
    ) -> None:
        super().__init__(indexes)
        self.resource = resource
        self.synced = asyncio.Event()
        """Set once every namespace has been listed."""
        self.heard = 0.0
        """Loop time of the last sign of life."""
        self._connection = connection
        self._kind = kind
        line: Any = _Change[kind]  # type: ignore[valid-type] # a type made at run time
        self._line: msgspec.json.Decoder[_Change[T]] = decoder(line)
        self._namespaces = tuple(dict.fromkeys(namespaces)) or ("",)
        self._listed: set[str] = set()
        self._query = selectors(labels, fields)
        self._one_by_one = False
        self._complaints: dict[str, str] = {}

    async def run(self) -> None:
        """Follow the cluster for ever; cancel to stop."""
        async with asyncio.TaskGroup() as group:
            for namespace in self._namespaces:
                group.create_task(self._follow(namespace))

    async def _follow(self, namespace: str) -> None:
        tries = 0
        while True:
            try:
                await self._watch_from(namespace, await self._list(namespace))
                tries = 0
            except ApiError as error:
                tries += 1
                self._complain(namespace, error)
            await asyncio.sleep(_pause(tries))

    async def _list(self, namespace: str) -> str:
        there: set[Key] = set()
        version = ""
        with _resting_collector(self.objects):
            async for page in self._pages(namespace):
                for item in page.items or ():
                    there.add((item.metadata.namespace, item.metadata.name))
                    self.replace(item)
                version = page.metadata.resource_version
                self.heard = asyncio.get_running_loop().time()
        self.drop_others(namespace, there)
        self._complaints.pop(namespace, None)
        self._listed.add(namespace)
        if len(self._listed) == len(self._namespaces):
            self.synced.set()
        return version

    async def _pages(self, namespace: str) -> AsyncIterator[Page[T]]:
        try:
            if not self._one_by_one:
                async for page in self._connection.pages(
                    self.resource, namespace, into=self._kind, query=self._query
                ):
                    yield page
                return
        except ApiError as error:
            if error.reason != UNDECODABLE:
                raise
        # One object that cannot be read must not hide the others.
        self._one_by_one = True
        async for raw in self._connection.pages(self.resource, namespace, into=msgspec.Raw, query=self._query):
            yield Page(raw.metadata, [item for item in map(self._item, raw.items or ()) if item is not None])

    def _item(self, raw: msgspec.Raw) -> T | None:
        try:
            item: T = decoder(self._kind).decode(raw)
        except msgspec.ValidationError as error:
            self._leave_out(raw, error)
            return None
        return item

    async def _watch_from(self, namespace: str, version: str) -> None:
        """Follow the changes after this version; return when they are no more to be had."""
        loop = asyncio.get_running_loop()
        short = 0
        while True:
            begun = loop.time()
            try:
                async for lines in self._lines(namespace, version):
                    for line in lines:
                        version = self._take(line, version)
                    self.heard = loop.time()
            except NoAnswer as error:
                logger.debug("the watch of %s broke off: %s", self.resource.plural, error.message)
            except ApiError as error:
                if error.status == 410:
                    return
                raise
            short = short + 1 if loop.time() - begun < SHORT_WATCH else 0
            await asyncio.sleep(_pause(short))

    async def _lines(self, namespace: str, version: str) -> AsyncIterator[list[bytes]]:
        seconds = random.randint(LONGEST_WATCH // 2, LONGEST_WATCH)  # noqa: S311 # spreads load
        query = {**self._query, "resourceVersion": version, "timeoutSeconds": str(seconds)}
        rest = b""
        async with self._connection.watch(self.resource, namespace, query, idle=SILENCE) as content:
            async for chunk in content.iter_any():
                *lines, rest = (rest + chunk).split(b"\n")
                yield lines

    def _take(self, line: bytes, version: str) -> str:
        try:
            change = self._line.decode(line)
        except msgspec.ValidationError as error:
            return self._take_bare(line, error)
        except msgspec.DecodeError as error:
            raise NoAnswer(f"a garbled watch: {error}", sent=True) from error
        if change.type == "ERROR":
            raise _error(line)
        found = change.object.metadata
        if change.type in {"ADDED", "MODIFIED"}:
            self.put(change.object)
        elif change.type == "DELETED":
            self.drop((found.namespace, found.name))
        return found.resource_version or version

    def _take_bare(self, line: bytes, error: msgspec.ValidationError) -> str:
        """A bookmark whose object is too bare, an error, or an object that cannot be read."""
        change = decoder(_Bare).decode(line)
        if change.type == "ERROR":
            raise _error(line)
        found: _BareMeta = decoder(_BareObject).decode(change.object).metadata
        if change.type == "DELETED":
            self.drop((found.namespace, found.name))
        elif change.type != "BOOKMARK":
            self._leave_out(change.object, error)
        return found.resource_version

    def _leave_out(self, raw: msgspec.Raw, error: msgspec.ValidationError) -> None:
        found: _BareMeta = decoder(_BareObject).decode(raw).metadata
        logger.warning("%s %s/%s is left out: %s", self.resource.plural, found.namespace, found.name, error)

    def _complain(self, namespace: str, error: ApiError) -> None:
        where = f" of namespace {namespace}" if namespace else ""
        remedy = "; the service account needs the verbs list and watch" if error.status == 403 else ""
        words = f"cannot follow {self.resource.plural}{where}: {error}{remedy}"
        if self._complaints.get(namespace) != words:  # the same words every few seconds help nobody
            logger.warning("%s", words)
        self._complaints[namespace] = words


def _error(line: bytes) -> ApiError:
    return refusal(500, bytes(decoder(_Bare).decode(line).object))


def _pause(tries: int) -> float:
    longest = min(0.1 * 2 ** min(tries, 10), LONGEST_PAUSE)
    return random.uniform(longest / 2, longest)  # noqa: S311 # spreads load


@contextlib.contextmanager
def _resting_collector(objects: Sized) -> Iterator[None]:
    """While a long list is read everything made stays, so looking for garbage only costs; then it is set aside."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if len(objects) >= LONG_LIST:
            gc.freeze()
        if enabled:
            gc.enable()
