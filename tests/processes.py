"""Processes that tests start: free ports, a log each, and a sure end.

Whatever is started here dies by SIGKILL with the process that started it, even when that one is killed
itself: a reaper of a few lines of shell holds the other end of a pipe and kills every group it was told of
once the pipe closes. (PR_SET_PDEATHSIG would not do: it fires when the starting *thread* ends.)
"""

import atexit
import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

_REAPER = """
trap '' INT TERM HUP
while read -r order what; do
  case $order in
    group) groups="$groups $what" ;;
    ended) groups=$(for g in $groups; do [ "$g" = "$what" ] || printf ' %s' "$g"; done) ;;
    folder) rm_folders="$rm_folders $what" ;;
  esac
done
for g in $groups; do kill -s KILL -- "-$g" 2>/dev/null; done
for f in $rm_folders; do sleep 0.2; rm -rf -- "$f"; done
"""


class Died(Exception):
    """A process ended while it was still needed; the message holds the end of its log."""


class _Reaper:
    """The shell that ends what we leave behind; one a Python process, started with the first child."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shell: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def tell(self, order: str) -> None:
        with self._lock:
            if self._shell is None or self._owner != os.getpid():
                self._start()
            assert self._shell is not None
            assert self._shell.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                self._shell.stdin.write(order.encode() + b"\n")
                self._shell.stdin.flush()

    def _start(self) -> None:
        self._owner = os.getpid()
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", _REAPER],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        atexit.register(self._finish, self._shell)

    @staticmethod
    def _finish(shell: "subprocess.Popen[bytes]") -> None:
        assert shell.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            shell.stdin.close()
        shell.wait(timeout=30)


_reaper = _Reaper()


class Process:
    """One child in a process group of its own, its output in a file."""

    def __init__(
        self, command: Sequence[str | Path], log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name = log.stem
        self.log = log
        with log.open("ab") as out:
            self._child = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=log.parent,
                env=None if environment is None else {**os.environ, **environment},
                start_new_session=True,
            )
        self.pid = self._child.pid
        _reaper.tell(f"group {self.pid}")

    @property
    def running(self) -> bool:
        return self._child.poll() is None

    def check(self) -> None:
        """Raise Died, with the end of the log, when it no longer runs."""
        if not self.running:
            raise Died(f"{self.name} ended with code {self._child.returncode}:\n{self.tail()}")

    def tail(self, characters: int = 3000) -> str:
        return self.log.read_text(errors="replace")[-characters:]

    def terminate(self, timeout: float = 10.0) -> int:
        """Ask politely with SIGTERM; the exit code. Raises subprocess.TimeoutExpired."""
        self._child.terminate()
        return self._child.wait(timeout)

    def signal(self, number: int) -> None:
        """Send it this signal, and nobody else of its group."""
        self._child.send_signal(number)

    def wait(self, timeout: float | None = None) -> int:
        return self._child.wait(timeout)

    def kill(self) -> None:
        """SIGKILL to the whole group; returns once the child is gone."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._child.wait()
        _reaper.tell(f"ended {self.pid}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def free_port() -> int:
    """A TCP port of the loopback that nobody holds now; another program may still be quicker."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def temporary_folder(prefix: str) -> Path:
    """A new folder that is removed with the process that asked for it, also when that is killed."""
    folder = Path(tempfile.mkdtemp(prefix=f"{prefix}-"))
    _reaper.tell(f"folder {folder}")
    return folder


def wait_until(holds: Callable[[], object], what: str, timeout: float = 30.0, every: float = 0.05) -> None:
    """Ask until it holds; TimeoutError names what was waited for."""
    end = time.monotonic() + timeout
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {timeout:g} s for {what}")
        time.sleep(every)
