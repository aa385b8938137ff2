"""`python -m tests.bench NAME`: the benches by name."""

import click

from tests.bench import polls as polls_bench


@click.group()
def benches() -> None:
    """Measurements of the operator on a real control plane, beside KEDA's recorded figures and a yardstick."""


@benches.command()
@click.option("--objects", default=1000, show_default=True)
@click.option("--window", default=65.0, show_default=True, help="Seconds of steady polling that are measured.")
def polls(objects: int, window: float) -> None:
    """Cold start, steady polling and restart with N objects."""
    polls_bench.run(objects, window)


if __name__ == "__main__":
    benches()
