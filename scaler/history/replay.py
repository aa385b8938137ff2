"""A journal played again: the very judgement over the very readings, memory and clock gives the very evaluation."""

from collections.abc import Iterable, Iterator

import msgspec

from scaler.api.meta import Raw
from scaler.history.journal import Check, Header, Look, Record, Snapshot
from scaler.horizontal.answer import answer, replaced
from scaler.horizontal.evaluate import evaluate
from scaler.horizontal.metric_names import COMPOSITE
from scaler.horizontal.readings import Evaluation, Failure, Memory, MetricAnswer, Policy, Reading, Subject


class Replayed(msgspec.Struct, frozen=True):
    """A check, judged again."""

    check: Check
    subject: Subject
    evaluation: Evaluation

    @property
    def same(self) -> bool:
        """Whether it came to what the operator came to then."""
        decision = self.evaluation.decision
        return (decision.rule, decision.replicas) == (self.check.rule, self.check.replicas)


class ReplayedLook(msgspec.Struct, frozen=True):
    """What a read of the HPA was answered."""

    look: Look
    answer: MetricAnswer | None


class Unplayable(msgspec.Struct, frozen=True):
    """A check or look of an object that the journal has not shown before; it was lost, or the file is damaged."""

    record: Check | Look


class _Known:
    """What the records so far say of one object."""

    __slots__ = ("hpa", "memory", "readings", "subject")

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.memory: Memory | None = None
        self.hpa: Raw | None = None
        self.readings: tuple[Reading | Failure, ...] = ()


def replay(records: Iterable[Record]) -> Iterator[Replayed | ReplayedLook | Unplayable]:
    """Every check and look, in the order of the records; a header begins anew, as in the next file."""
    policy = Policy()
    known: dict[str, _Known] = {}
    for record in records:
        if isinstance(record, Header):
            policy, known = record.policy, {}
        elif isinstance(record, Snapshot):
            _take(known, record)
        elif isinstance(record, Check | Look):
            of = known.get(record.object)
            if of is not None and record.memory is not msgspec.UNSET:
                of.memory = record.memory
            if of is None or of.memory is None:
                yield Unplayable(record)
            elif isinstance(record, Check):
                yield _check(of, record, policy)
            else:
                yield _look(of, record)


def _take(known: dict[str, _Known], record: Snapshot) -> None:
    """A changed object keeps what is remembered of it, and what its other metrics showed."""
    before = known.get(record.object)
    if before is None:
        known[record.object] = _Known(record.subject)
    else:
        before.subject = record.subject


def _check(of: _Known, record: Check, policy: Policy) -> Replayed:
    assert of.memory is not None
    if record.hpa is not msgspec.UNSET:
        of.hpa = record.hpa
    evaluation = evaluate(of.subject, record.readings, record.scale, of.memory, policy, record.at, of.hpa)
    of.memory, of.readings = evaluation.memory, record.readings
    return Replayed(record, of.subject, evaluation)


def _look(of: _Known, record: Look) -> ReplayedLook:
    assert of.memory is not None
    of.readings = replaced(of.readings, record.readings)
    counting = None if record.metric == COMPOSITE else {record.metric}
    answers = answer(of.subject, of.readings, record.scale, of.memory, record.at, counting=counting)
    of.memory = answers.memory
    return ReplayedLook(record, answers.metrics.get(record.metric))
