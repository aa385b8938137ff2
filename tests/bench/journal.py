"""What journaling costs an operator: its share of the CPU, and bytes on disk a reading; judged with and without."""

import gzip
import re
import time
from pathlib import Path

from scaler.horizontal.evaluate import evaluate
from scaler.horizontal.readings import Memory, Policy, Scale
from scaler.loops.journal.lines import Observation
from tests.bench.polls import Figures, make, polled, steady
from tests.bench.process import machine
from tests.bench.report import Row, say, table
from tests.bench.world import NAMESPACE, WAIT, Program, Source, operator, world
from tests.controlplane.plane import ControlPlane
from tests.horizontal import objects as making
from tests.processes import temporary_folder, wait_until

MOST_SHARE, MOST_BYTES = 5.0, 100.0
"""Percent of the operator's CPU; bytes."""
ROUNDS = 20_000


def run(objects: int, window: float) -> None:
    """The same objects polled by an operator that keeps no journal, then by one that does."""
    print(f"# journal: {objects} objects, one metrics-api trigger each, 30 s polling\n{machine()}", flush=True)
    folder = temporary_folder("scaler-bench-journal")
    with world(controllers=False) as (plane, source):
        say("creating the objects")
        make(plane, source, range(objects))
        without = _measured(plane, source, objects, window)
        kept = _measured(plane, source, objects, window, f"--journal={folder}")
    noting = _noting() / 1000 / kept["cpu"] * 100
    rows = [
        Row("the journal's thread, % of the operator's CPU", kept["share"], 2),
        Row("noting a check on the loop, % of its CPU", noting, 2),
        Row("journaling, % of the operator's CPU", kept["share"] + noting, 2, most=MOST_SHARE),
        Row("bytes on disk a reading", kept["bytes"], 1, most=MOST_BYTES),
        Row("  the same lines packed as one by gzip, bytes", _packed_as_one(folder) / kept["written"], 1),
        Row("  as they are read, bytes", _unpacked(folder) / kept["written"], 1),
        Row("lost", kept["lost"], 0, most=0),
        Row("CPU a poll with it, ms", kept["cpu"], 3),
        Row("  without it, ms", without["cpu"], 3),
    ]
    table("journal", rows, f"{kept['written']:,.0f} readings in {len(list(folder.iterdir()))} files")


def _measured(plane: ControlPlane, source: Source, objects: int, window: float, *flags: str) -> Figures:
    plane.kubectl("-n", NAMESPACE, "delete", "lease", "scaler-operator", "--ignore-not-found")
    source.tell("forget")
    running = operator(plane, *flags)
    wait_until(lambda: len(polled(source)) >= objects, "every object polled", WAIT)
    say(f"steady for {window:.0f} s {' '.join(flags)}")
    thread, cpu = _journal_cpu(running), running.cost.cpu
    figures = steady(running, source, window)
    spent = running.cost.cpu - cpu  # before the page is asked for again, which costs something too
    figures["share"] = (_journal_cpu(running) - thread) / spent * 100
    time.sleep(4)
    page = running.page()
    figures["written"] = _counter(page, r'kube_scaler_journal_observations_total{outcome="written"}')
    figures["lost"] = _counter(page, r'kube_scaler_journal_observations_total{outcome="lost"}')
    figures["bytes"] = _counter(page, "kube_scaler_journal_bytes_total") / (figures["written"] or 1)
    running.process.terminate(20)
    return figures


def _journal_cpu(running: Program) -> float:
    return _counter(running.page(), "kube_scaler_journal_cpu_seconds_total")


def _counter(page: str, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", page, re.MULTILINE)
    return float(found[1]) if found else 0.0


def _noting() -> float:
    """Microseconds of the loop to hand one check over."""
    subject, scale, memory, queue = making.subject(), Scale(2), Memory(), []
    evaluation = evaluate(subject, [making.read(7.0)], scale, memory, Policy(), making.NOW)
    began = time.process_time()
    for _ in range(ROUNDS):
        decision = evaluation.decision
        queue.append(
            Observation(
                ("shop", "web"),
                evaluation.at,
                subject,
                scale,
                evaluation.readings,
                memory,
                evaluation.memory,
                None,
                decision.rule,
                decision.replicas,
            )
        )
    return (time.process_time() - began) / ROUNDS * 1e6


def _unpacked(folder: Path) -> int:
    return sum(len(gzip.decompress(file.read_bytes())) for file in folder.iterdir())


def _packed_as_one(folder: Path) -> int:
    return sum(len(gzip.compress(gzip.decompress(file.read_bytes()), 6)) for file in folder.iterdir())
