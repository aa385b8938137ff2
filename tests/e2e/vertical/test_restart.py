"""A recommender that is killed goes on where its checkpoints are."""

import pytest

from tests.controlplane.metrics import MetricsServer
from tests.controlplane.plane import ControlPlane
from tests.e2e.installation import Installation
from tests.e2e.vertical.conftest import MIB, QUICK, History, Place
from tests.e2e.vertical.reference import recommended


@pytest.fixture
def quick(bare: Installation) -> Installation:
    """A recommender that this module kills and starts anew."""
    bare.recommender(*QUICK, "--leader-elect=false", name="first").wait_ready()
    return bare


def test_after_a_kill_the_numbers_are_those_that_the_checkpoints_give(
    place: Place, plane: ControlPlane, usage: MetricsServer
) -> None:
    """Usage is not flat, and the interval of memory that runs is in no checkpoint, as upstream has it."""
    place.deployment(replicas=3)
    history = History(usage)

    def wave(pod: dict) -> tuple[float, float] | None:
        if pod["metadata"]["namespace"] != place.namespace:
            return None
        step = int(history.now() - history.start) // 60
        return 0.1 + 0.013 * (step % 17), (300 + 7 * (step % 11)) * MIB

    usage.rule(wave)
    place.vpa()
    history.goes_on(90)
    place.until_checkpoint(3 * 91)
    place.installation.programs[-1].process.kill()
    usage.forget()
    standing = place.recommended()
    checkpoint = place.checkpoint()
    assert checkpoint is not None
    place.installation.recommender(*QUICK, "--leader-elect=false", name="second").wait_ready()
    wanted = recommended(checkpoint)
    assert wanted["target"]["memory"] == 250 * MIB, "the day's peak is left out"
    assert wanted["target"]["cpu"] == standing["target"]["cpu"]
    place.until_recommended(memory=250 * MIB)
    found = place.recommended()
    assert {bound: found[bound] for bound in wanted} == wanted
