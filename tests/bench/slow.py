"""Sources that take 10 s to answer: do the polls and the reads of the others stay on time?"""

import time

from tests.bench.polls import off_the_interval, polled
from tests.bench.process import machine
from tests.bench.report import Row, say, table
from tests.bench.world import Source, create, deployment, operator, scaled_object, world
from tests.processes import wait_until

POLLING = 5
ANSWER = 10.0
SLOW = 20
"""How many hang."""


def run(objects: int, window: float) -> None:
    """The polls of `objects` others, first while all sources answer at once and then while some take 10 s."""
    print(
        f"# {objects} objects, polled each {POLLING} s, beside {SLOW} whose sources get slow\n{machine()}", flush=True
    )
    with world(controllers=False) as (plane, source):
        say("creating the objects")
        create(plane, [deployment(index) for index in range(objects + SLOW)])
        create(plane, [scaled_object(index, source, polling=POLLING) for index in range(objects)])
        patient = {"polling": POLLING, "path": "slow", "timeout": "20s"}
        create(plane, [scaled_object(index, source, **patient) for index in range(objects, objects + SLOW)])
        running = operator(plane)
        wait_until(lambda: len(source.asked()) >= objects + SLOW, "every object polled", 120)
        time.sleep(2 * POLLING)
        before = _measured(source, window, "all answer at once")
        source.tell(f"slow?{ANSWER:g}&/slow")
        during = _measured(source, window, f"{SLOW} sources take {ANSWER:g} s")
        running.kill()
    rows = [
        Row(f"polls of the others, {name}: off the interval, {part}, ms", figures[part], 1)
        for name, figures in (("all quick", before), ("beside slow ones", during))
        for part in ("p50", "p99", "max")
    ]
    table("slow", rows, f"polls a second: {before['rate']:.1f} before, {during['rate']:.1f} beside slow ones")


def _measured(source: Source, window: float, what: str) -> dict[str, float]:
    say(f"{what}: {window:.0f} s")
    source.tell("forget")
    time.sleep(window)
    asked = polled(source)
    return {"rate": sum(map(len, asked.values())) / window, **off_the_interval(asked, POLLING)}
