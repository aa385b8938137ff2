"""HorizontalPodAutoscalers decide alike on both servers, step by step."""

from typing import Any

import pytest

from tests.conformance.client import Client
from tests.conformance.conftest import new_namespace
from tests.conformance.decisions import SCRIPTS, play_all
from tests.conformance.metrics import Metrics
from tests.conformance.servers import Server

Trace = list[dict[str, Any]]


@pytest.fixture
async def traces(server: Server, client: Client, metrics: Metrics) -> dict[str, Trace]:
    """What came of every script on this server; played once."""
    if not server.traces:
        server.traces = await play_all(server, client, metrics, new_namespace)
    return server.traces


@pytest.mark.parametrize("script", SCRIPTS)
async def test_an_autoscaler_wishes_for_the_right_number(traces: dict[str, Trace], script: str) -> None:
    wished = [step["desired"] for step in traces[script][:-1]]
    assert wished == SCRIPTS[script].desired


@pytest.mark.parametrize("script", SCRIPTS)
async def test_both_decide_and_explain_alike(sim_server: Server, real_server: Server, script: str) -> None:
    """After `test_an_autoscaler_wishes_for_the_right_number` has played the scripts on both."""
    if not (sim_server.traces and real_server.traces):
        pytest.fail("run the whole file: the scripts are played by the tests before this one")
    ours, theirs = sim_server.traces[script], real_server.traces[script]
    for mine, real in zip(ours, theirs, strict=True):
        assert mine == real
