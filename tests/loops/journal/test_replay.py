"""Whatever happened, what was journaled plays again exactly: the same evaluations, from first to last."""

import asyncio
import itertools
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from scaler.history.journal import Header, Snapshot
from scaler.history.members import Damage
from scaler.history.records import files, records
from scaler.history.replay import Replayed, ReplayedLook, Unplayable, replay
from scaler.horizontal.readings import Policy
from scaler.loops.journal.lines import Lines
from scaler.loops.journal.places import Folder
from scaler.loops.journal.writer import Journal, Limits
from tests.horizontal.objects import NOW, scaled_object
from tests.loops.checking import World

OBJECTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "fallback": {"fallback": {"failureThreshold": 1, "replicas": 4}},
    "idle": {"idleReplicaCount": 0, "minReplicaCount": 2, "cooldownPeriod": 40},
    "formula": {
        "advanced": {"scalingModifiers": {"formula": "one + 1", "target": "2"}},
        "fallback": {"failureThreshold": 0, "replicas": 3, "behavior": "scalingModifiers"},
    },
}
HPA = {
    "status": {
        "conditions": [
            {"type": "AbleToScale", "status": "True", "reason": "ReadyForNewScale"},
            {"type": "ScalingActive", "status": "False", "reason": "FailedGetExternalMetric", "message": "no"},
        ]
    }
}
VALUES = st.one_of(st.floats(0, 1e6, allow_nan=False), st.just(0.0), st.sampled_from(["refused", "timed out 17"]))
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["poll", "poll", "poll", "look", "spec", "status", "paused", "hpa", "replicas"]),
        VALUES,
        st.floats(0.001, 90),
    ),
    min_size=1,
    max_size=40,
)


class Played:
    """A world in which things happen; keeps what was evaluated and what was observed."""

    def __init__(self, kind: str) -> None:
        self.world = World()
        spec = OBJECTS[kind]
        self.tracked = self.world.add({}, **spec)
        if kind == "formula":
            self.named()
        self.evaluations: list[object] = []
        self.answers: list[object] = []
        self.seen: list[Any] = []
        self.world.checks.on_evaluation.append(lambda _, evaluation: self.evaluations.append(evaluation))
        self.world.checks.on_observation.append(self.seen.append)

    def named(self) -> None:
        """A trigger of a formula has a name."""
        assert self.tracked.subject is not None
        plan = msgspec.structs.replace(self.tracked.subject.triggers[0], name="one")
        self.tracked.subject = msgspec.structs.replace(self.tracked.subject, triggers=(plan,))

    async def step(self, what: str, value: object, seconds: float) -> None:
        self.world.now_ += seconds
        self.world.values[0] = value
        if what == "look":
            formula = self.tracked.scaled.spec.advanced.scaling_modifiers.used
            metric = "composite-metric" if formula else "s0-metric-api-v"
            self.answers.append(await self.world.checks.look("shop", "web", metric))
        elif what == "poll":
            await self.world.checks.poll(self.tracked)
        elif what == "hpa":
            self.tracked.hpa = None if self.tracked.hpa else HPA
        elif what == "replicas":
            self.world.replicas = (self.world.replicas + 3) % 7
        else:
            self.change(what)

    def change(self, what: str) -> None:
        scaled = self.tracked.scaled
        meta = scaled.metadata
        if what == "spec":
            meta = msgspec.structs.replace(meta, generation=meta.generation + 1)
            spec = msgspec.structs.replace(scaled.spec, max_replica_count=meta.generation + 5)
            scaled = msgspec.structs.replace(scaled, metadata=meta, spec=spec)
        elif what == "status":
            scaled = msgspec.structs.replace(scaled, status=self.tracked.wanted)
        else:
            paused = {} if meta.annotations else {"autoscaling.keda.sh/paused-scale-in": "true"}
            scaled = msgspec.structs.replace(scaled, metadata=msgspec.structs.replace(meta, annotations=paused))
        self.tracked.scaled = scaled
        assert self.tracked.subject is not None
        self.tracked.subject = msgspec.structs.replace(self.tracked.subject, scaled=scaled)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(sorted(OBJECTS)), STEPS)
def test_every_evaluation_comes_out_the_same(kind: str, steps: list[tuple[str, object, float]]) -> None:
    played = Played(kind)

    async def play() -> None:
        for step in steps:
            await played.step(*step)

    asyncio.run(play())
    file = Lines()
    written = [record for seen in played.seen for record in file.records(seen)]
    text = [msgspec.json.encode(record) for record in written]
    read = [msgspec.json.decode(line, type=type(record)) for line, record in zip(text, written, strict=True)]
    outcome = list(replay([Header(format=1, at=0.0, policy=Policy()), *read]))
    assert [one.evaluation for one in outcome if isinstance(one, Replayed)] == played.evaluations
    assert [one.answer for one in outcome if isinstance(one, ReplayedLook)] == played.answers
    assert all(one.same for one in outcome if isinstance(one, Replayed))


async def test_the_files_of_a_day_play_again_though_each_was_ended_in_between(tmp_path: Path) -> None:
    played = Played("fallback")
    place = Folder(tmp_path, size=1 << 30, age=1e9, file_size=1 << 20, now=played.world.now)
    ticks = itertools.count()
    writing = Journal(place, writer="pod-1", policy=Policy(), now=lambda: NOW + next(ticks), limits=Limits(age=5.0))
    for number in range(300):
        await played.step("look" if number % 3 else "poll", float(number % 11) or "refused", 30.0)
    for start in range(0, len(played.seen), 30):
        for seen in played.seen[start : start + 30]:
            writing.observe(seen)
        writing._turn()
    writing._finish()
    assert len(files(tmp_path)) > 3
    told = [record for file in files(tmp_path) for record in records(file.read_bytes())]
    assert not [record for record in told if isinstance(record, Damage)]
    outcome = list(replay(record for record in told if not isinstance(record, Damage)))
    assert [one.evaluation for one in outcome if isinstance(one, Replayed)] == played.evaluations
    assert [one.answer for one in outcome if isinstance(one, ReplayedLook)] == played.answers


async def test_an_object_is_written_again_only_when_judgement_could_tell_the_difference() -> None:
    played = Played("plain")
    for what in ("poll", "poll", "status", "poll", "poll"):
        await played.step(what, 3.0, 30.0)
    file = Lines()
    kinds = [type(record).__name__ for seen in played.seen for record in file.records(seen)]
    assert kinds == ["Snapshot", "Check", "Check", "Check", "Check"]
    await played.step("spec", 3.0, 1.0)
    await played.step("poll", 3.0, 30.0)
    assert [type(record).__name__ for record in file.records(played.seen[-1])] == ["Snapshot", "Check"]


async def test_a_check_that_was_lost_makes_the_next_one_say_what_it_was_judged_with() -> None:
    played = Played("fallback")
    for value in (3.0, "refused", "refused", 4.0):
        await played.step("poll", value, 30.0)
    file = Lines()
    kept = [record for seen in (*played.seen[:1], *played.seen[3:]) for record in file.records(seen)]
    outcome = list(replay([Header(format=1, at=0.0), *kept]))
    assert [one.evaluation for one in outcome if isinstance(one, Replayed)] == [
        played.evaluations[0],
        played.evaluations[3],
    ]


async def test_a_check_of_an_object_that_was_never_shown_is_no_guess() -> None:
    played = Played("plain")
    await played.step("poll", 3.0, 30.0)
    file = Lines()
    kept = [record for seen in played.seen for record in file.records(seen) if not isinstance(record, Snapshot)]
    assert [type(one) for one in replay(kept)] == [Unplayable]


def test_nothing_of_an_object_is_written_that_is_not_judged() -> None:
    scaled = scaled_object(
        annotations={"kubectl.kubernetes.io/last-applied-configuration": "{}", "autoscaling.keda.sh/paused": "false"},
        labels={"team": "shop"},
    )
    played = Played("plain")
    played.tracked.scaled = scaled
    assert played.tracked.subject is not None
    played.tracked.subject = msgspec.structs.replace(played.tracked.subject, scaled=scaled)
    asyncio.run(played.step("poll", 3.0, 30.0))
    snapshot = next(Lines().records(played.seen[0]))
    assert isinstance(snapshot, Snapshot)
    assert snapshot.subject.scaled.metadata.annotations == {"autoscaling.keda.sh/paused": "false"}
    assert snapshot.subject.scaled.metadata.labels == {}
