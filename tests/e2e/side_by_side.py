"""Scenarios whose long waits pass at the same time.

    @scenario
    def test_something_takes_two_minutes(stage: Stage) -> None: ...

Every scenario that is selected begins on a thread of its own when the first of them is due; each test then waits for
its own to end, and shows its own failure. All play on one installation, so what they share they must not hurt.
"""

import inspect
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

import pytest

from tests.e2e.stage import Stage, Theatre

Body = Callable[..., None]

BODIES: dict[Callable[..., None], Body] = {}
"""Of each test the scenario that it waits for."""


def scenario(body: Body) -> Callable[..., None]:
    """The test that pytest sees of a function of a `Stage` and of what it is parametrized by.

    Parametrize above this decorator, as usual.
    """
    given = [name for name in inspect.signature(body).parameters if name != "stage"]

    def test(request: pytest.FixtureRequest, side_by_side: "Running", **_: Any) -> None:
        side_by_side.begin(selected(request.session))
        side_by_side.result(request.node.nodeid)

    takes = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in ("request", "side_by_side", *given)]
    test.__signature__ = inspect.Signature(takes)  # type: ignore[attr-defined]  # pytest reads it
    test.__name__, test.__doc__, test.__module__ = body.__name__, body.__doc__, body.__module__
    BODIES[test] = body
    return test


APART = 0.15
"""Seconds between two beginnings."""

Played = dict[str, tuple[Body, dict[str, Any]]]
"""By node id: the scenario and its parameters."""


def selected(session: pytest.Session) -> Played:
    """The scenarios among the tests of this run."""
    tests = [item for item in session.items if isinstance(item, pytest.Function) and item.function in BODIES]
    return {
        item.nodeid: (BODIES[item.function], item.callspec.params if hasattr(item, "callspec") else {})
        for item in tests
    }


class Running:
    """The scenarios that have begun."""

    def __init__(self, theatre: Theatre) -> None:
        self._theatre = theatre
        self._pool = ThreadPoolExecutor(max_workers=200, thread_name_prefix="scenario")
        self._futures: dict[str, Future[None]] = {}

    def begin(self, played: Played) -> None:
        """Begin all of them, once, one after the other: the API server is to be used, not flooded."""
        for nodeid, (body, parameters) in played.items():
            if nodeid not in self._futures:
                self._futures[nodeid] = self._pool.submit(self._play, Stage(self._theatre), body, parameters)
                time.sleep(APART)

    def finish(self) -> None:
        """Wait until all that have begun have ended, however they ended."""
        wait(self._futures.values())

    def result(self, nodeid: str) -> None:
        """Wait for this one; raises what it raised."""
        self._futures[nodeid].result()

    def _play(self, stage: Stage, body: Body, parameters: dict[str, Any]) -> None:
        with stage:
            body(stage=stage, **parameters)

    def end(self) -> None:
        """Give up what nobody waits for any more."""
        self._theatre.over.set()
        self._pool.shutdown(cancel_futures=True)


def running(theatre: Theatre) -> Iterator[Running]:
    """What the fixture `side_by_side` is made of."""
    begun = Running(theatre)
    yield begun
    begun.end()
