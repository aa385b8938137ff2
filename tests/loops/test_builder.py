"""When triggers are built, and what is told of it."""

from scaler.horizontal.readings import Memory
from scaler.loops.builder import Builder
from scaler.loops.objects import Tracked
from scaler.loops.sources import Sources
from scaler.triggers.connections import Connections
from scaler.triggers.lookup import Access
from tests.horizontal.objects import scaled_object

GOOD = {"url": "http://x/load", "valueLocation": "value", "targetValue": "5"}


def builder(tell):
    return Builder(None, Connections(), Sources(lambda: 0.0), access=Access(), timeout=3.0, tell_unexpected=tell)


def tracked(**more):
    return Tracked(scaled_object(triggers=[{"type": "metrics-api", "metadata": {**GOOD, **more}}]), Memory())


async def test_a_parameter_that_nobody_reads_is_told_once_when_that_is_asked_for():
    told = []
    building, misspelt = builder(told.append), tracked(targetValeu="7")
    for _ in range(2):
        await building.build(misspelt)
    (event,) = told
    assert (event.type, event.reason) == ("Warning", "KEDAScalerInfo")
    assert "spec.triggers[0].metadata.targetValeu" in event.message
    assert "did you mean targetValue?" in event.message


async def test_otherwise_it_is_only_logged(caplog):
    await builder(None).build(tracked(targetValeu="7"))
    assert "a trigger was built with a doubt" in caplog.text
