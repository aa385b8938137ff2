"""`scaler demo`: a cluster, a queue and a load in this process, the real operator and metrics server beside it."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import BinaryIO

import aiohttp
import msgspec
from rich.console import Console
from rich.live import Live

from scaler.horizontal.explain import Explanation
from scaler.process import logs
from scaler.process.running import FAILED, run_loop
from scaler.programs.sentences import headline
from scaler.settings.demo import DemoSettings
from scaler.settings.knobs import split
from scaler.sim.cluster import EmbeddedCluster
from scaler.sim.controllers.kubelet import Pace
from scaler.sim.demo_manifests import PER_POD, QUEUE, manifests, metrics_service
from scaler.sim.load import Play, day, recorded
from scaler.sim.page import Page
from scaler.sim.sqs import SqsEndpoint
from scaler.sim.story import Sample, Story, Summary
from scaler.sim.terminal import line, print_summary, view
from scaler.sim.world import Queue, Workers

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
    play = recorded(Path(settings.load)) if settings.load else day()
    with Path(settings.log_file or os.devnull).open("ab") as log:
        demo = Demo(settings, play, log)
        code = run_loop(demo.play())
    if settings.summary_file:
        Path(settings.summary_file).write_bytes(msgspec.json.encode(demo.summary))
    return code


class Demo:
    """One demo."""

    def __init__(self, settings: DemoSettings, play: Play, log: BinaryIO) -> None:
        self.summary: Summary | None = None
        """What came of it, once it is over."""
        self._settings = settings
        self._log = log
        self._play = play
        self._story = Story(play)
        self._console = Console()
        self._started = time.monotonic()
        self._ending = asyncio.Event()
        self._failed = ""
        self._explain_url = ""

    async def play(self) -> int:
        """All of it; 0 when the load was played, or somebody asked to end it."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._ending.set)
        async with contextlib.AsyncExitStack() as stack:
            page = Page(self._story)
            url = await page.start(*split(self._settings.page_address))
            stack.push_async_callback(page.close)
            self._console.print(f"live page: [bold]{url}[/bold]")
            pace = Pace(start=0.3, ready=0.5, stop=0.3)
            cluster = await stack.enter_async_context(EmbeddedCluster(hpa_sync=1.0, pace=pace))
            sqs = await stack.enter_async_context(SqsEndpoint(cluster.world))
            queue = await self._furnish(stack, cluster, sqs)
            await self._watch(cluster, sqs, queue, url)
            page.over = True
            await asyncio.sleep(2 * GLANCE)
        summary = self._story.summary(queue.arrived, queue.finished)
        print_summary(self._console, summary)
        self.summary = summary
        if self._failed:
            self._console.print(f"[bold red]{self._failed}[/bold red]")
        return FAILED if self._failed else 0

    async def _furnish(self, stack: contextlib.AsyncExitStack, cluster: EmbeddedCluster, sqs: SqsEndpoint) -> Queue:
        """Definitions, the two programs, the workload; the queue, which is empty until the load begins."""
        folder = next(folder for folder in DEFINITIONS if folder.is_dir())
        for definition in sorted(folder.glob("*.yaml")):
            await cluster.apply(definition.read_text())
        port, ours = free_port(), "kube-scaler"
        await cluster.apply(metrics_service(ours, port))
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="scaler-demo-")))
        kubeconfig = cluster.write_kubeconfig(scratch / "kubeconfig")
        board = free_port()
        self._explain_url = f"https://127.0.0.1:{board}/explain/{self._settings.namespace}/worker"
        common = ("--kubeconfig", str(kubeconfig), "--pod-namespace", ours, "--log-format", "text")
        listens = ("--metrics-service-bind-address", f"127.0.0.1:{board}")
        await self._start(stack, "operator", *common, *listens, "--aws-endpoint-url", sqs.url)
        await self._start(stack, "metrics", *common, "--secure-port", str(port), "--bind-address", "127.0.0.1")
        workers = Workers(self._settings.namespace, "app=worker", PER_POD, in_flight=2)
        queue = cluster.world.add_queue(QUEUE, workers=workers)
        await cluster.apply(manifests(self._settings.namespace, sqs.queue_url(QUEUE)))
        return queue

    async def _start(self, stack: contextlib.AsyncExitStack, program: str, *flags: str) -> None:
        """One of the real programs, as a process of its own; the demo ends when it does."""
        listens = ("--metrics-bind-address", "--health-probe-bind-address")
        addresses = [part for flag in listens for part in (flag, f"127.0.0.1:{free_port()}")]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "scaler.programs.cli", program, *flags, *addresses,
            stdout=self._log, stderr=self._log, start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )  # fmt: skip
        watching = asyncio.create_task(self._await_end(process, program))
        stack.push_async_callback(_stop, process, watching)

    async def _await_end(self, process: asyncio.subprocess.Process, program: str) -> None:
        code = await process.wait()
        if not self._ending.is_set():
            self._failed = f"scaler {program} ended with exit code {code}; --log-file FILE shows why"
            self._ending.set()

    async def _watch(self, cluster: EmbeddedCluster, sqs: SqsEndpoint, queue: Queue, url: str) -> None:
        """Let the load play, and look twice a second."""
        live = self._settings.live and self._console.is_terminal
        seconds = self._settings.minutes * 60
        speed = self._play.length / seconds
        async with aiohttp.ClientSession() as session:
            await self._first_check(session)
            begun = cluster.clock.now()
            queue.arrivals = lambda at: PEAK * self._play.at(self._position(at - begun, speed))
            with contextlib.ExitStack() as stack:
                screen = stack.enter_context(Live(console=self._console, auto_refresh=False)) if live else None
                while not self._ending.is_set():
                    passed = cluster.clock.now() - begun
                    if passed >= seconds and not self._settings.keep_running:
                        self._ending.set()
                    self._look(cluster, sqs, queue, self._position(passed, speed), passed * speed)
                    await self._ask(session)
                    self._show(screen, url)
                    await asyncio.sleep(GLANCE)

    async def _first_check(self, session: aiohttp.ClientSession) -> None:
        """The load begins once the operator has looked at the empty queue."""
        patience = time.monotonic() + START
        while not self._story.now and not self._ending.is_set():
            if time.monotonic() > patience:
                self._failed = f"the operator has checked nothing within {START:g} s; --log-file FILE shows why"
                self._ending.set()
            await self._ask(session)
            await asyncio.sleep(GLANCE)

    def _position(self, passed: float, speed: float) -> float:
        """Where in the load we are; from its beginning again when it keeps running."""
        position = passed * speed
        return position % self._play.length if self._settings.keep_running else position

    def _look(self, cluster: EmbeddedCluster, sqs: SqsEndpoint, queue: Queue, position: float, at: float) -> None:
        dark = self._play.dark(position)
        if dark and not sqs.ailing:
            sqs.fail()
        elif not dark and sqs.ailing:
            sqs.recover()
        worker = cluster.find("Deployment", "apps/v1", (self._settings.namespace, "worker")) or {}
        wanted = int((worker.get("spec") or {}).get("replicas") or 0)
        ready = int((worker.get("status") or {}).get("readyReplicas") or 0)
        clock, before = self._play.clock(position), self._story.samples[-1].wanted if self._story.samples else 0
        self._story.see(Sample(at, clock, round(queue.backlog), wanted, ready, dark))
        if wanted and self._story.first_scaling is None:
            self._story.first_scaling = time.monotonic() - self._started
        if wanted != before:
            who = "Scaler" if 0 in {wanted, before} else "the HPA, by what Scaler told it"
            self._story.tell(
                clock, f"{before} → {wanted}", f"replicas set by {who}; {round(queue.backlog):,} messages"
            )

    async def _ask(self, session: aiohttp.ClientSession) -> None:
        """The operator's own explanation: what the log and the page show is what it decided by."""
        try:
            async with session.get(self._explain_url, ssl=False, timeout=aiohttp.ClientTimeout(2)) as answer:
                if answer.status != 200:
                    return
                told = msgspec.json.decode(await answer.read(), type=Explanation)
        except (aiohttp.ClientError, TimeoutError):
            return
        if told.evaluated == self._story.now.get("evaluated"):  # seen already: a check is one decision
            return
        steps = [msgspec.to_builtins(step) for step in told.decision.steps]
        self._story.now = {"headline": headline(told), "steps": steps, "evaluated": told.evaluated}
        if self._story.samples:
            self._story.decided(self._story.samples[-1].clock, told.decision.rule, told.decision.message)

    def _show(self, screen: Live | None, url: str) -> None:
        if screen is not None:
            screen.update(view(self._story, url), refresh=True)
        elif len(self._story.samples) % QUIET == 1:
            self._console.print(line(self._story.samples[-1]), highlight=False)


def free_port() -> int:
    """A port of the loopback that nobody listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


async def _stop(process: asyncio.subprocess.Process, watching: "asyncio.Task[None]") -> None:
    watching.cancel()
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), 5)
    except TimeoutError:
        process.kill()
        await process.wait()
