"""The benches by name: `make bench BENCH=...`, or `python -m tests.bench NAME`."""

import click

from tests.bench import recorded

EXAMPLES = """\b
Each prints our figures beside KEDA's recorded ones and a yardstick of the same run, and whether the target is met.
Run them on a machine that does nothing else; the first time the control plane is built, which takes minutes.

\b
Examples:
  make bench                              cold start, polling and restart of 1,000 objects
  make bench BENCH="polls --objects 100"
  make bench BENCH=burst                  0 to 10 replicas at Kubernetes' default intervals
  make bench BENCH=all                    nearly everything, about 20 minutes
"""
TWO_POLLS = click.FloatRange(min=61.0)
"""Long enough for two polls of every object, 30 s apart."""
EPILOG = f"KEDA's figures: {recorded.SOURCE}."


@click.group(help=f"What Scaler costs and how quick it is, on a real control plane.\n\n{EXAMPLES}", epilog=EPILOG)
def benches() -> None:
    """The benches; each is imported when it is called."""


@benches.command()
@click.option("--objects", default=1000, show_default=True, help="KEDA's figures are for 100, 1000 and 10000.")
@click.option("--window", type=TWO_POLLS, default=65.0, show_default=True, help="Seconds of polling to measure.")
def polls(objects: int, window: float) -> None:
    """Cold start, writes, CPU a poll, punctuality, memory and restart with N objects."""
    from tests.bench.polls import run

    run(objects, window)


@benches.command()
@click.option("--sizes", default="100,1000,10000", show_default=True, help="Objects, growing.")
@click.option("--window", type=TWO_POLLS, default=65.0, show_default=True, help="Seconds to measure at each size.")
def growth(sizes: str, window: float) -> None:
    """CPU a poll of one operator while its objects grow in number."""
    from tests.bench.polls import grow

    grow([int(size) for size in sizes.split(",")], window)


@benches.command()
@click.option(
    "--objects", default=20, show_default=True, help="As KEDA goes; as many again with activate-to: demand."
)
def burst(objects: int) -> None:
    """From 0 to 1 and to 10 replicas after the value jumps to 50 at target 5, at default intervals."""
    from tests.bench.burst import run

    run(objects)


@benches.command()
@click.option("--objects", default=200, show_default=True)
@click.option("--window", default=40.0, show_default=True, help="Seconds that are measured, before and beside.")
def slow(objects: int, window: float) -> None:
    """Polls of others while twenty sources take 10 s to answer."""
    from tests.bench.slow import run

    run(objects, window)


@benches.command()
def judgement() -> None:
    """The judgement of one object; needs no control plane."""
    from tests.bench.judgement import run

    run()


@benches.command()
@click.option("--objects", default=1000, show_default=True, help="All active.")
@click.option("--seconds", default=15.0, show_default=True, help="Length of each measurement.")
def reads(objects: int, seconds: float) -> None:
    """Reads of external metrics, fresh and cached: CPU and latency."""
    from tests.bench.reads import run

    run(objects, seconds)


@benches.command()
@click.option("--objects", default=10_000, show_default=True)
@click.option("--window", default=65.0, show_default=True, help="Seconds of steady polling that are measured.")
def journal(objects: int, window: float) -> None:
    """CPU and bytes of journaling every check."""
    from tests.bench.journal import run

    run(objects, window)


@benches.command()
@click.option("--sizes", default="10,1000,5000", show_default=True, help="VPAs, growing; VPA's figures are for 1000.")
@click.option("--seconds", default=6.0, show_default=True, help="Length of each measurement.")
def admission(sizes: str, seconds: float) -> None:
    """Reviews of new pods by the webhook: CPU, latency, memory, beside VPA's and a bare echo."""
    from tests.bench.admission import run

    run([int(size) for size in sizes.split(",")], seconds)


@benches.command()
@click.option("--vpas", default=1000, show_default=True, help="VPA's figures are for 100 and 1000.")
@click.option("--pods", default=10, show_default=True, help="Of each, with two containers.")
@click.option("--rounds", default=2, show_default=True, help="Measured after the first, at each limit.")
def recommender(vpas: int, pods: int, rounds: int) -> None:
    """Rounds of the recommender: CPU, writes, how long they take at 50 calls a second, memory."""
    from tests.bench.recommending import run

    run(vpas, pods, rounds)


@benches.command()
@click.option("--vpas", default=1000, show_default=True, help="VPA's figures are for 1000.")
@click.option("--pods", default=10, show_default=True, help="Of each, with two containers, all outside their range.")
def updater(vpas: int, pods: int) -> None:
    """Rounds of the updater: CPU of judgement, and pods moved in the first minute at 50 calls a second."""
    from tests.bench.moving import run

    run(vpas, pods)


@benches.command()
def rounds() -> None:
    """Rounds over 3,000 to 300,000 containers with simulated sources; needs no control plane."""
    from tests.bench.recommending import simulate

    simulate()


@benches.command()
def together() -> None:
    """A joint judgement of both axes, and simulated time; needs no control plane."""
    from tests.bench.together import run

    run()


@benches.command()
@click.option("--runs", default=10_000, show_default=True, help="Random scenes of a day each, over all cores.")
def oscillation(runs: int) -> None:
    """Whether both axes together oscillate in any random weather; needs no control plane, but hours."""
    from tests.bench.together import days

    days(runs)


@benches.command(name="all")
@click.pass_context
def everything(context: click.Context) -> None:
    """All but journal, oscillation and 10,000 objects, one after the other."""
    for bench in (judgement, together):
        context.invoke(bench)
    for objects in (100, 1000):
        context.invoke(polls, objects=objects)
    for bench in (slow, burst, reads, admission, recommender):
        context.invoke(bench)


if __name__ == "__main__":
    benches(prog_name="python -m tests.bench")
