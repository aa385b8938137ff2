"""Sources that take 10 s to answer: do the polls of the others stay on time, and do the HPA controller's workers?

The second is asked by five readers, as many as the controller has by default, that read every object's metric once:
what they need for a round is what every HPA waits that comes last in it; a sync period is 15 s.
"""

import asyncio
import time

import aiohttp

from tests.bench.polls import off_the_interval, polled
from tests.bench.process import machine
from tests.bench.reads import HOST, path_of, trusting
from tests.bench.report import Row, say, table
from tests.bench.world import MetricsServer, Source, create, deployment, operator, scaled_object, world
from tests.controlplane.plane import ControlPlane
from tests.processes import wait_until

POLLING = 5
ANSWER = 10.0
SLOW = 20
"""How many hang."""
READERS = 5
SYNC = 15.0


def run(objects: int, window: float) -> None:
    """The polls of `objects` others, first while all sources answer at once and then while some take 10 s."""
    print(
        f"# {objects} objects, polled each {POLLING} s, beside {SLOW} whose sources get slow\n{machine()}", flush=True
    )
    everyone = range(objects + SLOW)
    with world(controllers=False) as (plane, source):
        say("creating the objects")
        create(plane, [deployment(index) for index in everyone])
        create(plane, [scaled_object(index, source, polling=POLLING) for index in range(objects)])
        patient = {"polling": POLLING, "path": "slow", "timeout": "20s"}
        create(plane, [scaled_object(index, source, **patient) for index in range(objects, objects + SLOW)])
        running, serving = operator(plane), MetricsServer(plane)
        serving.wait_serving(plane)
        wait_until(lambda: len(source.asked()) >= objects + SLOW, "every object polled", 120)
        time.sleep(2 * POLLING)
        before = _measured(source, window, "all answer at once")
        quick = asyncio.run(_round(plane, serving, everyone))
        source.tell(f"slow?{ANSWER:g}&/slow")
        during = _measured(source, window, f"{SLOW} sources take {ANSWER:g} s")
        slow = asyncio.run(_round(plane, serving, everyone))
        for program in (running, serving):
            program.kill()
    rows = [
        Row(f"polls of the others, {name}: off the interval, {part}, ms", figures[part], 1)
        for name, figures in (("all quick", before), ("beside slow ones", during))
        for part in ("p50", "p99", "max")
    ]
    rows += [
        Row(f"a round of {READERS} readers over all, all quick, s", quick, 2, most=SYNC),
        Row(f"a round of {READERS} readers over all, {SLOW} slow, s", slow, 2, most=SYNC),
    ]
    table("slow", rows, f"polls a second: {before['rate']:.1f} before, {during['rate']:.1f} beside slow ones")


def _measured(source: Source, window: float, what: str) -> dict[str, float]:
    say(f"{what}: {window:.0f} s")
    source.tell("forget")
    time.sleep(window)
    asked = polled(source)
    return {"rate": sum(map(len, asked.values())) / window, **off_the_interval(asked, POLLING)}


async def _round(plane: ControlPlane, serving: MetricsServer, numbers: range) -> float:
    """Seconds in which so many readers have read everything once, one after the other."""
    context, left = trusting(plane), iter(numbers)
    async with aiohttp.ClientSession(f"https://127.0.0.1:{serving.secure_port}") as session:

        async def reader() -> None:
            for number in left:
                async with session.get(path_of(number), ssl=context, server_hostname=HOST) as answer:
                    await answer.read()

        begun = time.monotonic()
        await asyncio.gather(*(reader() for _ in range(READERS)))
        return time.monotonic() - begun
