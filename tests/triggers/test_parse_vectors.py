"""What upstream accepts and refuses as a trigger's parameters, case by case, as far as the types exist here.

The cases stand in a file of their own: KEDA_PARSE_VECTORS names it, else it is looked for in a folder beside the
checkout. It is not part of this project, so this is the one test that may be left out; it says so aloud.

Its verdict "accepted" is that of the declaration (`Parameters`): what comes later, as judging a queue's URL, may
still refuse. Its verdict "refused" is final.
"""

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from scaler.api.authentication import PodIdentity
from scaler.errors import Invalid
from scaler.triggers.types import TYPES
from tests.triggers.building import built

BESIDE = Path(__file__).parents[2].parent / "shared" / "data" / "vectors" / "keda_parse.json"
GIVEN = os.environ.get("KEDA_PARSE_VECTORS", "")
FILE = Path(GIVEN) if GIVEN else BESIDE

SEVERAL = {
    "cpu_memory": ("cpu", "memory"),
    "redis": ("redis", "redis-cluster", "redis-sentinel"),
    "redis_streams": ("redis-streams", "redis-cluster-streams", "redis-sentinel-streams"),
}
"""Groups that stand for more types than the one of their name."""

Case = dict[str, Any]


def groups() -> dict[str, list[Case]]:
    if not GIVEN and not FILE.exists():
        return {}
    found: dict[str, list[Case]] = json.loads(FILE.read_text())["groups"]
    return found


def types_of(group: str) -> tuple[str, ...]:
    return SEVERAL.get(group, (group.replace("_", "-"),))


def cases() -> list[Any]:
    return [
        pytest.param(type_, case, id=f"{type_}-{number}-{'accepted' if case['accepted'] else 'refused'}")
        for group, found in groups().items()
        for type_ in types_of(group)
        if type_ in TYPES
        for number, case in enumerate(found)
    ]


def accepted_by_declaration(type_: str, case: Case) -> bool:
    try:
        TYPES[type_].parameters_type.parse(case.get("metadata", {}), case.get("auth", {}), case.get("env", {}))
    except Invalid:
        return False
    return True


def buildable(type_: str, case: Case) -> bool:
    identity = case.get("identity")
    trigger = built(
        type_,
        case.get("metadata", {}),
        metric_type=case.get("metricType", ""),
        index=case.get("index", 0),
        auth=case.get("auth", {}),
        env=case.get("env", {}),
        identity=PodIdentity(provider=identity) if identity else None,
        as_metric_source=case.get("asMetricSource", False),
    )
    return not trigger.problems


@pytest.mark.parametrize(("type_", "case"), cases())
def test_upstreams_verdict_is_ours(type_: str, case: Case) -> None:
    if case["accepted"]:
        assert accepted_by_declaration(type_, case)
    else:
        assert not buildable(type_, case)


def test_how_many_cases_there_were(capfd: pytest.CaptureFixture[str]) -> None:
    """The summary, on the terminal past pytest's capture."""
    if not groups():
        pytest.skip(f"LEFT OUT: upstream's parse cases are not at {BESIDE}; KEDA_PARSE_VECTORS may name them")
    counted = Counter(
        "here" if any(type_ in TYPES for type_ in types_of(group)) else "other"
        for group, found in groups().items()
        for _ in found
    )
    others = sorted(group for group in groups() if not any(type_ in TYPES for type_ in types_of(group)))
    with capfd.disabled():
        print(
            f"\nparse cases of {FILE.name}: {counted['here']} judged as {len(cases())} tests; {counted['other']} are "
            f"of types that are not here yet: {', '.join(others)}"
        )
    assert counted["here"] > 0, f"{FILE} has no case of the types that are here"
