"""`scaler demo`: a queue, a load and the real programs, in a cluster of this process or in one of the user's own."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Coroutine
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import click
import msgspec
from rich.console import Console
from rich.live import Live

from scaler.errors import ApiError
from scaler.process import logs
from scaler.process.running import FAILED, run_loop
from scaler.programs.demo_here import here
from scaler.programs.demo_scene import DemoFailed, Programs, Scene, Workload
from scaler.programs.demo_there import LABEL, Survey, survey, there
from scaler.programs.sentences import headline
from scaler.settings.demo import DemoSettings
from scaler.settings.knobs import split
from scaler.sim.load import Play, day, recorded
from scaler.sim.page import Page
from scaler.sim.story import Sample, Story, Summary
from scaler.sim.terminal import line, print_summary, view

T = TypeVar("T")

PEAK = 150.0
"""Messages a second when the load is highest."""
GLANCE = 0.5
"""Seconds between two looks."""
START = 60.0
"""Seconds that the programs may take to start."""
QUIET = 10
"""Looks between two lines where nobody watches."""
DEFINITIONS = (Path(__file__).parents[2] / "crds", Path(__file__).parents[1] / "crds")
"""In a checkout, and in an installed package."""


def run(settings: DemoSettings) -> int:
    """Play the load to its end, or until asked to end; the exit code."""
    logs.configure("text", "error")
    play = recorded(Path(settings.show.load)) if settings.show.load else day()
    found = agreed(settings) if settings.own.kubeconfig else None
    with Path(settings.show.log_file or os.devnull).open("ab") as log:
        demo = Demo(settings, play, log, found)
        code = run_loop(demo.play())
    if settings.show.summary_file:
        Path(settings.show.summary_file).write_bytes(msgspec.json.encode(demo.summary))
    return code


def agreed(settings: DemoSettings) -> Survey:
    """What is to be made in the user's cluster, once he has agreed to it."""
    found = asyncio.run(survey(settings.own, settings.show.namespace, definitions()))
    if found.in_the_way:
        raise DemoFailed("\n".join(("nothing was made:", *found.in_the_way)))
    click.echo(f"The demo makes in {found.server}")
    for made in found.made():
        click.echo(f"  {made}")
    label = ",".join(f"{key}={value}" for key, value in LABEL.items())
    click.echo(f"and takes it away at the end. All of it has the label {label}.")
    if not settings.own.yes:
        if not sys.stdin.isatty():
            raise click.UsageError("nobody can be asked whether to go on: say --yes")
        click.confirm("Go on?", abort=True)
    return found


def definitions() -> list[Path]:
    """The files of our kinds' definitions that the demo needs."""
    folder = next(folder for folder in DEFINITIONS if folder.is_dir())
    return sorted(folder.glob("keda.sh_*.yaml"))


class _Ended(Exception):
    """Somebody asked to end while the scene was being set."""


class Demo:
    """One demo."""

    def __init__(self, settings: DemoSettings, play: Play, log: BinaryIO, found: Survey | None = None) -> None:
        """`found` is what the user has agreed to, in a cluster of his own."""
        self.summary: Summary | None = None
        """What came of it, once it is over."""
        self._settings = settings
        self._shown = settings.show
        self._play = play
        self._found = found
        self._story = Story(play)
        self._console = Console()
        self._started = time.monotonic()
        self._ending = asyncio.Event()
        self._failed = ""
        self._programs = Programs(log, self._fail)

    async def play(self) -> int:
        """All of it; 0 when the load was played, or somebody asked to end it."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._ending.set)
        try:
            await self._perform()
        except _Ended:
            self._console.print("ended before it began")
        except (DemoFailed, ApiError) as error:
            self._failed = self._failed or str(error)
        if self._failed:
            self._console.print(f"[bold red]{self._failed}[/bold red]", highlight=False)
        return FAILED if self._failed else 0

    async def _perform(self) -> None:
        async with contextlib.AsyncExitStack() as stack:
            page = Page(self._story)
            url = await page.start(*split(self._shown.page_address))
            stack.push_async_callback(page.close)
            self._console.print(f"live page: [bold]{url}[/bold]")
            scene = await self._unless_ended(stack.enter_async_context(self._scene()))
            await self._watch(scene, url)
            page.over = True
            await asyncio.sleep(2 * GLANCE)
            self.summary = self._story.summary(scene.queue.arrived, scene.queue.finished)
            print_summary(self._console, self.summary)
            if self._found is not None:
                self._console.print("taking away what was made …")

    def _scene(self) -> AbstractAsyncContextManager[Scene]:
        if self._found is not None:
            say = self._console.print
            return there(self._settings.own, self._found, self._programs, lambda text: say(text, style="bold red"))
        return here(self._shown.namespace, definitions(), self._programs)

    async def _unless_ended(self, setting: Coroutine[Any, Any, T]) -> T:
        """What it gives; when somebody asks to end meanwhile it is cancelled, and undoes what it has done."""
        work, ending = asyncio.ensure_future(setting), asyncio.ensure_future(self._ending.wait())
        await asyncio.wait((work, ending), return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        if not work.done():
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work
            raise _Ended
        return work.result()

    def _fail(self, why: str) -> None:
        if not self._ending.is_set():
            self._failed = why
            self._ending.set()

    async def _watch(self, scene: Scene, url: str) -> None:
        """Let the load play, and look twice a second."""
        live = self._shown.live and self._console.is_terminal
        seconds = self._settings.minutes * 60
        speed = self._play.length / seconds
        await self._first_check(scene)
        begun = time.time()
        scene.queue.arrivals = lambda at: PEAK * self._play.at(self._position(at - begun, speed))
        with contextlib.ExitStack() as stack:
            screen = stack.enter_context(Live(console=self._console, auto_refresh=False)) if live else None
            while not self._ending.is_set():
                passed = time.time() - begun
                if passed >= seconds and not self._shown.keep_running:
                    self._ending.set()
                await self._look(scene, self._position(passed, speed), passed * speed)
                await self._ask(scene)
                self._display(screen, url)
                await asyncio.sleep(GLANCE)

    async def _first_check(self, scene: Scene) -> None:
        """The load begins once the operator has looked at the empty queue."""
        patience = time.monotonic() + START
        while not self._story.now and not self._ending.is_set():
            if time.monotonic() > patience:
                self._fail(f"the operator has checked nothing within {START:g} s; --log-file FILE shows why")
            await self._ask(scene)
            await asyncio.sleep(GLANCE)

    def _position(self, passed: float, speed: float) -> float:
        """Where in the load we are; from its beginning again when it keeps running."""
        position = passed * speed
        return position % self._play.length if self._shown.keep_running else position

    async def _look(self, scene: Scene, position: float, at: float) -> None:
        dark = self._play.dark(position)
        if dark and not scene.sqs.ailing:
            scene.sqs.fail()
        elif not dark and scene.sqs.ailing:
            scene.sqs.recover()
        try:
            worker = await scene.workload()
        except ApiError:  # a cluster that hiccups is looked at again
            return
        self._see(scene, worker, self._play.clock(position), at, dark=dark)

    def _see(self, scene: Scene, worker: Workload, clock: str, at: float, *, dark: bool) -> None:
        wanted = worker.spec.replicas
        before = self._story.samples[-1].wanted if self._story.samples else 0
        backlog = round(scene.queue.backlog)
        self._story.see(Sample(at, clock, backlog, wanted, worker.status.ready_replicas, dark))
        if wanted and self._story.first_scaling is None:
            self._story.first_scaling = time.monotonic() - self._started
        if wanted != before:
            who = "Scaler" if 0 in {wanted, before} else "the HPA, by what Scaler told it"
            self._story.tell(clock, f"{before} → {wanted}", f"replicas set by {who}; {backlog:,} messages")

    async def _ask(self, scene: Scene) -> None:
        """The operator's own explanation: what the log and the page show is what it decided by."""
        try:
            told = await scene.explanation()
        except ApiError:
            return
        if told.evaluated == self._story.now.get("evaluated"):  # seen already: a check is one decision
            return
        steps = [msgspec.to_builtins(step) for step in told.decision.steps]
        self._story.now = {"headline": headline(told), "steps": steps, "evaluated": told.evaluated}
        if self._story.samples:
            self._story.decided(self._story.samples[-1].clock, told.decision.rule, told.decision.message)

    def _display(self, screen: Live | None, url: str) -> None:
        if screen is not None:
            screen.update(view(self._story, url), refresh=True)
        elif len(self._story.samples) % QUIET == 1:
            self._console.print(line(self._story.samples[-1]), highlight=False)
