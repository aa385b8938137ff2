"""A restart with nothing changed is a restart with nothing written."""

import pytest

from tests.e2e.installation import OPERATOR, Installation
from tests.e2e.source import Source
from tests.e2e.stage import WRITING, Stage, Theatre, trigger
from tests.e2e.watching import Watcher
from tests.processes import free_port
from tests.servers.aws import Aws

COUNT = 20


@pytest.fixture(scope="module")
def theatre(bare_installation: Installation, watcher: Watcher, http_source: Source, aws_server: Aws) -> Theatre:
    bare_installation.operator()
    bare_installation.metrics()
    bare_installation.wait_leader()
    bare_installation.wait_serving()
    return Theatre(bare_installation, watcher, http_source, aws_server)


@pytest.mark.slow
def test_unchanged_objects_are_not_written_after_a_restart(stage: Stage) -> None:
    """Inactive, active, failing and paused ones alike; only the Lease changes, and all are polled within 10 s."""
    installation = stage.installation
    resting = [stage.source(f"resting-{number}") for number in range(COUNT)]
    for number, load in enumerate(resting):
        name = stage.deployment(f"resting-{number}")
        stage.scaled_object(trigger(load, 5), name=name, pollingInterval=30)
    stage.scaled_object(trigger(stage.source("active", 10), 5), name=stage.deployment("active"), pollingInterval=30)
    stage.scaled_object(
        trigger(stage.source("paused", 10), 5),
        name=stage.deployment("paused"),
        annotations={"autoscaling.keda.sh/paused": "true"},
    )
    unreachable = {"url": f"http://127.0.0.1:{free_port()}", "valueLocation": "value", "targetValue": "5"}
    stage.scaled_object(
        {"type": "metrics-api", "metadata": unreachable}, name=stage.deployment("broken", 1), pollingInterval=30
    )
    for number in range(COUNT):
        stage.until_condition("HPAActive", "True", "ScalingDisabled", f"resting-{number}", 60)
    stage.until_condition("HPAActive", "True", "HPAActive", "active", 60)
    stage.until_condition("Ready", "False", "TriggerError", "broken")
    stage.until_condition("Paused", "True", "ScaledObjectPaused", "paused")
    stage.wait(5)

    installation.programs[0].process.terminate()
    before = len(writes(stage))
    asked = [len(load.asked) for load in resting]
    installation.operator(name="again")
    installation.wait_leader("again")
    stage.until(
        lambda: all(len(load.asked) > count for load, count in zip(resting, asked, strict=True)),
        "all to be polled again",
        10,
    )
    stage.wait(8)
    assert writes(stage)[before:] == []


def writes(stage: Stage) -> list[str]:
    """What the operator wrote anywhere, the Lease aside."""
    asked = [one for one in stage.plane.writes(user__username=OPERATOR) if one["verb"] in WRITING]
    return [
        f"{one['verb']} {one['requestURI']} {one['responseStatus']['code']}"
        for one in asked
        if one["objectRef"]["resource"] != "leases"
    ]
