"""What the operator journals is what it saw and did: it plays again to the same decisions, also after a SIGKILL."""

from pathlib import Path

import pytest

from scaler.history.journal import Record
from scaler.history.members import Damage
from scaler.history.records import files, records
from scaler.history.replay import Replayed, ReplayedLook, replay
from tests.e2e.installation import Installation
from tests.e2e.source import Source
from tests.e2e.stage import Stage, Theatre, trigger
from tests.e2e.watching import Watcher
from tests.processes import temporary_folder
from tests.servers.aws import Aws

JOURNAL = temporary_folder("scaler-journal")


@pytest.fixture(scope="module")
def theatre(bare_installation: Installation, watcher: Watcher, http_source: Source, aws_server: Aws) -> Theatre:
    bare_installation.operator(f"--journal={JOURNAL}")
    bare_installation.metrics()
    bare_installation.wait_leader()
    bare_installation.wait_serving()
    return Theatre(bare_installation, watcher, http_source, aws_server)


@pytest.mark.slow
def test_a_day_of_scaling_plays_again_to_the_same_decisions(stage: Stage) -> None:
    """0 to 1 to 4, a source that fails, back to 0; one operator is killed, the next one goes on in a file of its own."""
    first = stage.installation.programs[0]
    stage.deployment()
    load = stage.source(value=0)
    stage.scaled_object(
        trigger(load, 5), pollingInterval=1, cooldownPeriod=4, fallback={"failureThreshold": 3, "replicas": 2}
    )
    stage.until_ready()
    load.says(20)
    stage.until_replicas(4)
    load.fails()
    stage.until_condition("Fallback", "True", "FallbackExists")
    load.says(20)
    stage.until_condition("Fallback", "False", "NoFallbackFound")
    stage.wait(4)  # the journal's thread has its turn every 3 s
    first.process.kill()
    stage.installation.operator(f"--journal={JOURNAL}", name="second")
    stage.installation.wait_leader("second")
    load.says(0)
    stage.until_replicas(0)
    second = stage.installation.programs[-1]
    assert 'kube_scaler_journal_observations_total{outcome="lost"} 0' in second.metrics()
    second.process.terminate()

    found = [read(file) for file in files(JOURNAL)]
    assert [damaged for _, damaged in found] == [True, False]
    played = list(replay(record for told, _ in found for record in told))
    ours = [one for one in played if isinstance(one, Replayed) and one.check.object == f"{stage.namespace}/web"]
    assert all(one.same for one in ours)
    assert [one.check.replicas for one in ours if one.check.replicas is not None] == [1, 0]
    assert {"activate", "active", "deactivate"} <= {one.check.rule for one in ours}
    assert any(one.evaluation.fallback for one in ours)
    looks = [one for one in played if isinstance(one, ReplayedLook)]
    assert any(one.answer is not None and one.answer.value == 20 for one in looks)


def read(file: Path) -> tuple[list[Record], bool]:
    """The records, and whether it was cut off."""
    found = list(records(file.read_bytes()))
    whole = [record for record in found if not isinstance(record, Damage)]
    return whole, len(whole) < len(found)
