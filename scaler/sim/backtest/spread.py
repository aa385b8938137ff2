"""Many plays at once, over the cores of this machine: each is a process's own, so that none waits for another."""

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait

import msgspec

from scaler.sim.backtest.play import play
from scaler.sim.backtest.run import Run
from scaler.sim.backtest.scene import Policy, Scene


class Job(msgspec.Struct, frozen=True, eq=False):
    """One scene under one policy."""

    scene: Scene
    policy: Policy
    seed: int = 0
    step: float = 15.0


def spread(jobs: Sequence[Job], cores: int = 0) -> Iterator[tuple[int, Run]]:
    """Each job's number and its run, as they are done; `cores` 0 means all there are.

    A play that fails ends all with its error.
    """
    workers = min(cores or os.cpu_count() or 1, len(jobs))
    if workers <= 1:
        yield from ((number, _played(job)) for number, job in enumerate(jobs))
        return
    # A child that is not forked from a program with threads and open connections inherits neither.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        waiting: dict[Future[Run], int] = {pool.submit(_played, job): number for number, job in enumerate(jobs)}
        try:
            while waiting:
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for one in done:
                    yield waiting.pop(one), one.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _played(job: Job) -> Run:
    return play(job.scene, job.policy, seed=job.seed, step=job.step)
