"""One server that tests start: a port, a folder, and ways to hurt it."""

import contextlib
import os
import shutil
import signal
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tests.processes import Died, Process, free_port, temporary_folder, wait_until
from tests.servers.debian import Program, program


class Server(ABC):
    """Runs from construction to `stop`; a context manager. Subclasses say the program, its arguments, its pulse."""

    program = ""
    patience = 30.0
    """Seconds to its first answer."""

    def __init__(self) -> None:
        self.host = "127.0.0.1"
        self.folder = temporary_folder(f"scaler-{self.name}")
        self._process: Process | None = None
        self._program = self.find()
        for tries_left in (2, 1, 0):
            self.port = free_port()
            try:
                self.start()
            except Died:  # most likely another took the port between our asking and the start
                if not tries_left:
                    self.stop()
                    raise
            except BaseException:  # also Ctrl-C: nothing may stay behind
                self.stop()
                raise
            else:
                return

    @property
    def name(self) -> str:
        return type(self).__name__.lower()

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    def find(self) -> Program:
        """Raises Absent."""
        return program(self.program)

    @abstractmethod
    def arguments(self) -> Sequence[str]:
        """How it is called, once the port and the folder are known."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether it does its work; a connection that fails means no."""

    def start(self) -> None:
        """Also after `kill`, on the same port and with the same folder."""
        command = [str(self._program.path), *self.arguments()]
        self._process = process = Process(command, self.log, self._program.environment)

        def alive() -> bool:
            process.check()
            with contextlib.suppress(OSError):
                return self.answers()
            return False

        wait_until(alive, f"{self.name} at {self.address} (log: {self.log})", self.patience)

    def kill(self) -> None:
        """SIGKILL; the folder stays, so `start` brings it back as it was."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def pause(self) -> None:
        """It keeps its connections and answers nobody, until `resume`."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)

    def stop(self) -> None:
        """The end, of the folder too."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
