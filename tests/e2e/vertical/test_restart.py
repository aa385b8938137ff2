"""A recommender that is killed goes on where its checkpoints are."""

import time

import pytest

from tests.controlplane.metrics import MetricsServer
from tests.controlplane.plane import ControlPlane
from tests.e2e.installation import Installation
from tests.e2e.vertical.conftest import MIB, QUICK, History, Place
from tests.e2e.vertical.reference import recommended
from tests.processes import wait_until


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


def test_a_standby_takes_over_from_one_that_is_killed(
    bare: Installation, plane: ControlPlane, usage: MetricsServer
) -> None:
    """Only the leader writes; the next one goes on from the checkpoints."""
    usage.forget()
    usage.taken_at = time.time
    flags = (
        *QUICK, "--recommender-name=pair", "--leader-elect-lease-duration=3s",
        "--leader-elect-renew-deadline=2s", "--leader-elect-retry-period=500ms",
    )  # fmt: skip
    with Place(plane, usage, bare) as place:
        place.usage.selected(place.namespace, cpu=0.1, memory=300 * MIB, app="web")
        first = bare.recommender(*flags, name="pair-1")
        first.wait_ready()
        wait_until(lambda: first.said("leading"), "the first to lead", 20)
        second = bare.recommender(*flags, name="pair-2")
        second.wait_ready()
        place.deployment()
        place.vpa(recommenders=[{"name": "pair"}])
        place.until_recommended(cpu=126)
        known = place.until_checkpoint(5)["status"]["totalSamplesCount"]
        assert not second.said("leading")
        first.process.kill()
        wait_until(lambda: second.said("leading"), "the second to lead", 20)
        place.until_checkpoint(known + 5)
        assert place.recommended()["target"]["cpu"] == 126
