"""The operator's journal as a load, and its decisions made again."""

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import pytest

from scaler.api.scaledobject import GroupVersionKindResource, ScaledObject
from scaler.errors import Invalid
from scaler.history.journal import Check, Header, Record
from scaler.horizontal.evaluate import evaluate
from scaler.horizontal.readings import Evaluation, Failure, Memory, Policy, Reading, Scale, Subject
from scaler.loops.journal.lines import Lines, Observation
from scaler.sim.backtest.journals import again, load_from
from scaler.sim.backtest.play import play
from scaler.sim.backtest.scene import Scene
from scaler.triggers.built import planned
from tests.sim.backtest.test_manifests import deployment, one, scaled_object

START = 1_767_571_200.0
EVERY = 30.0


def subject(manifest: Any) -> Subject:
    whole = {**manifest, "metadata": {"namespace": "shop", "uid": "1", **manifest["metadata"]}}
    scaled = msgspec.convert(whole, ScaledObject)
    plans = tuple(planned(index, entry) for index, entry in enumerate(scaled.spec.triggers))
    return Subject(scaled, plans, GroupVersionKindResource("apps", "v1", "Deployment", "deployments"))


def operated(values: list[float | None], manifest: Any = None) -> tuple[list[Record], list[Evaluation]]:
    """What an operator writes that sees these messages at its checks, and what it decided; None is a failure."""
    judged, memory, replicas = subject(manifest or quick()), Memory(), 0
    lines, told, decided = Lines(), [], []
    for count, value in enumerate(values):
        now = START + count * EVERY
        name = judged.triggers[0].metrics[0].name
        seen = Failure(0, name, "refused", now) if value is None else Reading(0, name, value, value > 0, now)
        scale = Scale(replicas)
        evaluation = evaluate(judged, [seen], scale, memory, Policy(), now)
        decision = evaluation.decision
        observation = Observation(
            ("shop", "web"), now, judged, scale, (seen,), memory, evaluation.memory, None, decision.rule, decision.replicas
        )  # fmt: skip
        told += lines.records(observation)
        memory = evaluation.memory
        replicas = replicas if decision.replicas is None else decision.replicas
        decided.append(evaluation)
    return [Header(format=1, at=START), *told], decided


def quick() -> Any:
    made = scaled_object(queueLength="5")
    made["spec"] |= {"cooldownPeriod": 60}
    return made


DAY: list[float | None] = [0, 0, 3, 12, 20, None, 20, 7, 0, 0, 0, 0, 0, 0]


def test_every_decision_is_made_again_and_comes_out_the_same() -> None:
    records, decided = operated(DAY)
    (told,) = again(records)
    assert (told.object, told.checks, told.same, told.differs) == ("shop/web", len(DAY), len(DAY), "")
    assert told.scaled == sum(one.decision.replicas is not None for one in decided) == 2
    assert (told.first, told.last) == (START, START + (len(DAY) - 1) * EVERY)


def test_the_first_decision_that_differs_is_named() -> None:
    records, _ = operated(DAY)
    bent = [
        msgspec.structs.replace(record, rule="idle", replicas=None)
        if isinstance(record, Check) and record.rule == "activate"
        else record
        for record in records
    ]
    (told,) = again(bent)
    assert told.same == len(DAY) - 1
    assert told.differs == f"at {START + 2 * EVERY:.3f} it was idle (replicas left), and is activate (to 1)"


def test_a_backtest_of_the_journal_decides_as_the_operator_did() -> None:
    """The very readings at the very times: the play goes from zero and back when the operator did."""
    records, decided = operated(DAY)
    found = one(deployment(replicas=0), quick())
    meant = load_from(found, records)
    (shown,) = meant.load.metrics.values()
    assert np.array_equal(shown, np.array([np.nan if value is None else value for value in DAY]), equal_nan=True)
    run = play(Scene(found.workload, meant.load, subject=found.subject), "hpa", step=EVERY)
    by_triggers = [(event.at, event.text) for event in run.events if "by its triggers" in event.text]
    acted = [evaluation.decision for evaluation in decided if evaluation.decision.replicas is not None]
    assert [text.split(",")[0].rpartition(" ")[2] for _, text in by_triggers] == [str(one.replicas) for one in acted]


def test_what_was_not_read_for_long_is_not_known() -> None:
    records, _ = operated([1.0] * 20)
    kept = [record for record in records if not isinstance(record, Check) or not 5 <= number(record) < 15]
    (shown,) = load_from(one(deployment(), quick()), kept).load.metrics.values()
    assert np.isnan(shown).tolist() == [False] * 8 + [True] * 7 + [False] * 5


def number(check: Check) -> int:
    return round((check.at - START) / EVERY)


def test_what_it_does_not_know_is_said() -> None:
    records, _ = operated(DAY)
    notes = " ".join(load_from(one(deployment(), quick()), records).notes)
    assert "not the cpu and memory of pods" in notes
    other = scaled_object(queueURL="https://sqs.eu-west-1.amazonaws.com/1/other")
    assert "s0-aws-sqs-other is not in the journal" in " ".join(load_from(one(deployment(), other), records).notes)


def test_a_journal_of_somebody_else_is_refused() -> None:
    def none() -> Iterator[Record]:
        yield Header(format=1, at=START)

    with pytest.raises(Invalid, match="--journal: has fewer than two checks of a ScaledObject of deployment/web"):
        load_from(one(deployment(), quick()), none())
