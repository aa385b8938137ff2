"""How every long-running program starts, is watched over and ends: event loop, signals, tasks that must not die."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Coroutine
from typing import Any, NoReturn

from scaler.process import logs

log = logging.getLogger("scaler.process")

FAILED = 3
"""Exit code of a program that could not go on."""
AGAIN = -1
"""Instead of an exit code: begin anew (see `run_again`)."""


def run_loop(main: Coroutine[Any, Any, int]) -> int:
    """Run a program on the fastest loop there is; its exit code."""
    try:
        import uvloop
    except ImportError:  # it is not made for every platform
        return asyncio.run(main)
    return uvloop.run(main)


def run_again() -> NoReturn:
    """Begin anew in this very process, with the same arguments: nothing of what was in memory is left.

    For a change that reaches into every part; a container would be started again only after a pause.
    """
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - no shell, our own arguments


class Watch:
    """The tasks a program lives by: when one of them ends before its time, so does the program."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._over: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def keep(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run this for as long as the program runs."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def end(self, why: str = "") -> None:
        """End the program: as asked when `why` is empty, else because of it."""
        if not self._over.done():
            self._over.set_result(why)

    async def over(self) -> str:
        """Wait for the end; why it came, empty when it was asked for."""
        return await self._over

    async def close(self) -> None:
        """Cancel whatever still runs."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            log.error("%s cannot go on", task.get_name(), exc_info=error)
        self.end(f"{task.get_name()} ended" + (f": {error}" if error else ""))


@contextlib.asynccontextmanager
async def watching() -> AsyncIterator[Watch]:
    """A watch that ends on SIGTERM and SIGINT; SIGUSR1 switches debug logs on and off."""
    watch = Watch()
    loop = asyncio.get_running_loop()
    handlers = {signal.SIGTERM: watch.end, signal.SIGINT: watch.end, signal.SIGUSR1: logs.toggle_debug}
    for number, handler in handlers.items():
        loop.add_signal_handler(number, handler)
    try:
        yield watch
    finally:
        for number in handlers:
            loop.remove_signal_handler(number)
        await watch.close()


def spare_the_collector() -> None:
    """What was made at start lives for ever: keep the garbage collector from walking it at every turn.

    With ten thousand objects in memory a full collection takes longer than a check may be late.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 50, 50)
