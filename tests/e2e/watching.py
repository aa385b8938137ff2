"""What became of objects, and when: every version that the API server tells, kept in order.

A test that says "it never fell to zero" needs all that happened, not samples. One watch a resource serves all
scenarios that run side by side.
"""

import http.client
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import NamedTuple, Self
from urllib.parse import urlencode, urlsplit

import msgspec

from tests.controlplane.api import Api, Object, Refused

WATCH_SECONDS = 45
"""A watch is asked for so long and then begun anew, within the client's socket timeout."""


class Seen(NamedTuple):
    """One version of an object; None when it was deleted."""

    at: float
    """time.time() when it was told."""
    object: Object | None


Key = tuple[str, str, str]
"""Path of the resource (``/apis/apps/v1/deployments``), namespace, name."""


class Watcher:
    """Follows resources over all namespaces from `with` to its end."""

    def __init__(self, api: Api, paths: Iterable[str]) -> None:
        self._api = api
        self._paths = tuple(paths)
        self._history: defaultdict[Key, list[Seen]] = defaultdict(list)
        self._names: defaultdict[tuple[str, str], dict[str, None]] = defaultdict(dict)
        self._news = threading.Condition()
        self._ended = threading.Event()
        self._streams: dict[str, http.client.HTTPConnection] = {}

    def __enter__(self) -> Self:
        versions = {path: self._list(path) for path in self._paths}
        self._threads = [
            threading.Thread(target=self._follow, args=(path, versions[path]), name=f"watch {path}", daemon=True)
            for path in self._paths
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for stream in list(self._streams.values()):
            if stream.sock is not None:
                stream.sock.close()

    def latest(self, path: str, namespace: str, name: str) -> Object | None:
        """As the server told it last; None when there is none."""
        seen = self._history.get((path, namespace, name))
        return seen[-1].object if seen else None

    def history(self, path: str, namespace: str, name: str, since: float = 0.0) -> list[Seen]:
        """All versions told since then, and the one that stood at that time."""
        seen = self._history.get((path, namespace, name), [])
        before = [one for one in seen if one.at < since]
        return before[-1:] + [one for one in seen if one.at >= since]

    def all(self, path: str, namespace: str) -> list[Object]:
        """The objects of one namespace that exist, in the order of their making."""
        latest = (self.latest(path, namespace, name) for name in list(self._names[path, namespace]))
        return [one for one in latest if one is not None]

    def until(self, holds: Callable[[], object], what: str, timeout: float) -> None:
        """Wait until it holds; looked at with each news, and four times a second for what is not watched."""
        end = time.monotonic() + timeout
        while not holds():
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"waited {timeout:g} s for {what}")
            with self._news:
                self._news.wait(min(left, 0.25))

    def _list(self, path: str) -> str:
        found = self._api.get(path)
        for item in found["items"]:
            self._take(path, item, gone=False)
        return str(found["metadata"]["resourceVersion"])

    def _follow(self, path: str, version: str) -> None:
        while not self._ended.is_set():
            try:
                version = self._stream(path, version)
            except (OSError, http.client.HTTPException, Refused, ValueError):
                if self._ended.wait(0.5):  # the plane went, or the history was compacted: look anew
                    return
                version = self._relist(path, version)

    def _relist(self, path: str, version: str) -> str:
        try:
            return self._list(path)
        except (OSError, http.client.HTTPException, Refused):
            return version

    def _stream(self, path: str, version: str) -> str:
        where = urlsplit(self._api.url)
        connection = self._api._connect(where.hostname or "", where.port)
        self._streams[path] = connection
        query = urlencode({"watch": "1", "resourceVersion": version, "timeoutSeconds": str(WATCH_SECONDS)})
        try:
            connection.request("GET", f"{path}?{query}", headers={"Accept": "application/json"})
            answer = connection.getresponse()
            if answer.status != 200:
                raise Refused(path, answer.status, answer.read())
            while line := answer.readline():
                change = msgspec.json.decode(line)
                if change["type"] == "ERROR":
                    raise Refused(path, 410, line)
                version = change["object"]["metadata"]["resourceVersion"]
                self._take(path, change["object"], gone=change["type"] == "DELETED")
        finally:
            connection.close()
        return version

    def _take(self, path: str, told: Object, *, gone: bool) -> None:
        about = told["metadata"]
        namespace, name = about.get("namespace", ""), about["name"]
        with self._news:
            self._names[path, namespace][name] = None
            self._history[path, namespace, name].append(Seen(time.time(), None if gone else told))
            self._news.notify_all()
