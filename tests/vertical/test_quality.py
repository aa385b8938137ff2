"""Each sample against what was recommended when it was taken."""

from collections import Counter

import numpy as np

from scaler.api.selector import parse_selector
from scaler.vertical.quality import MODES, Quality, in_force
from scaler.vertical.recommending import judge, plan
from scaler.vertical.roster import Crew, Roster
from scaler.vertical.samples import Batch
from scaler.vertical.terms import ContainerTerms, Defaults, Terms
from scaler.vertical.usage import Aggregates
from tests.vertical.samples import one, rows

NOW = 1767225600.0
MIB = 1 << 20


def world(terms: Terms | None = None) -> tuple[Roster, int]:
    roster = Roster(Aggregates())
    roster.put_subject(("shop", "web"), parse_selector("app=web"), terms or Terms())
    roster.put_pod(("shop", "web"), Crew({"app": "web"}, ("app",)), NOW)
    row = roster.container(("shop", "web"), "app", NOW)
    assert row is not None
    return roster, row


def learn(roster: Roster, row: int) -> None:
    roster.containers.add_cpu(rows(row), one(NOW), rows(100))
    roster.containers.add_memory(rows(row), one(NOW), rows(300 * MIB))


def counted(roster: Roster, row: int, cpu: int, size: int, mode: str = "Recreate") -> Quality:
    quality, found = Quality(), plan(roster)
    judged = judge(roster.aggregates, found, Defaults(), NOW)
    known = in_force(found, judged, [mode] * len(found.subjects), roster.aggregates.rows.top)
    batch = Batch(rows(row), one(NOW), rows(cpu), rows(size), Counter())
    quality.count(roster.containers.aggregate[batch.rows], batch, known)
    return quality


def test_a_sample_is_compared_with_the_target_in_force() -> None:
    """126m and 380258472 bytes are recommended."""
    roster, row = world()
    learn(roster, row)
    quality = counted(roster, row, 63, 760516944)
    mode = MODES.index("Recreate")
    over, under = quality.over["cpu"], quality.under["memory"]
    assert over.sums[mode] == 0.126 - 0.063
    assert under.sums[mode] == 380258472
    assert quality.relative["cpu"].sums[mode] == 1.0
    assert quality.relative["memory"].sums[mode] == -0.5
    assert quality.under["cpu"].counts.sum() == quality.over["memory"].counts.sum() == 0


def test_a_sample_before_any_recommendation_is_counted_by_itself() -> None:
    roster, row = world()
    quality = counted(roster, row, 63, MIB, mode="Off")
    assert quality.unadvised["cpu"][MODES.index("Off")] == quality.unadvised["memory"].sum() == 1
    assert quality.relative["cpu"].counts.sum() == 0


def test_nobody_is_compared_with_nothing() -> None:
    """A pod that no object is there for, one whose container is off, and samples that are none."""
    roster, row = world(Terms(others=ContainerTerms(off=True)))
    learn(roster, row)
    assert counted(roster, row, 63, MIB).unadvised["cpu"].sum() == 0
    roster.drop_subject(("shop", "web"))
    assert counted(roster, row, 63, MIB).unadvised["cpu"].sum() == 0
    known, row = world()
    learn(known, row)
    assert counted(known, row, -1, -1).relative["cpu"].counts.sum() == 0


def test_aggregates_that_are_new_since_are_not_compared() -> None:
    roster, row = world()
    learn(roster, row)
    found = plan(roster)
    known = in_force(found, judge(roster.aggregates, found, Defaults(), NOW), ["Off"], roster.aggregates.rows.top)
    quality = Quality()
    quality.count(np.array([500]), Batch(rows(0), one(NOW), rows(1), rows(1), Counter()), known)
    assert quality.unadvised["cpu"].sum() == 0
