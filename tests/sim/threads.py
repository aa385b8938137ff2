"""An embedded cluster on a thread of its own, for tests that block or that share one."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Self

from scaler.sim.cluster import EmbeddedCluster


class ClusterThread:
    """Runs what `make` gives until the end of its `with`."""

    def __init__(self, make: Callable[[], EmbeddedCluster] = EmbeddedCluster) -> None:
        self._make = make
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="embedded-cluster", daemon=True)
        self._failure: BaseException | None = None

    async def _run(self) -> None:
        try:
            async with self._make() as self.cluster:
                self._loop = asyncio.get_running_loop()
                self._end = asyncio.Event()
                self._started.set()
                await self._end.wait()
        except BaseException as failure:  # told to the thread that waits
            self._failure = failure
        finally:
            self._started.set()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(30)
        if self._failure is not None:
            raise self._failure
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(30)
        if self._failure is not None:
            raise self._failure

    def call(self, work: Callable[[EmbeddedCluster], Awaitable[Any]]) -> Any:
        """Run something on the cluster's own loop."""
        return asyncio.run_coroutine_threadsafe(self._wrap(work), self._loop).result(30)

    async def _wrap(self, work: Callable[[EmbeddedCluster], Awaitable[Any]]) -> Any:
        return await work(self.cluster)
