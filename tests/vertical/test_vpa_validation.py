"""What upstream's admission controller refuses of a VerticalPodAutoscaler is refused here, and nothing else.

Its feature gates are open here: a case that closes one plays with the gate as the case has it.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from scaler.api import vpa_rules
from scaler.api.verticalpodautoscaler import VerticalPodAutoscaler
from scaler.api.vpa_rules import Feature
from tests.vertical import vectors

GATES: dict[str, Feature] = {
    "AllowCPUStartupBoost": "CPUStartupBoost",
    "AllowInPlace": "InPlace",
    "AllowPerVPAConfig": "PerVPAConfig",
}


def read(written: dict[str, Any]) -> VerticalPodAutoscaler:
    return msgspec.convert({"metadata": {"name": "case"}, "spec": {}, **written}, VerticalPodAutoscaler)


def play_validation(case: vectors.Case) -> None:
    options = case.input["opts"]
    try:
        vpa = read(case.input["vpa"])
    except msgspec.ValidationError:  # what the definition's enumerations and minimums refuse is not even read
        assert case.expected == {"rejected": True, "warningCount": 0}
        return
    sized = {"containerName": "was", "controlledResources": list(options["ExistingControlledResources"] or {})}
    old = None if options["IsVPACreate"] else read({"spec": {"resourcePolicy": {"containerPolicies": [sized]}}})
    features = frozenset(feature for gate, feature in GATES.items() if options[gate])
    assert bool(vpa_rules.refusals(vpa, old, features)) is case.expected["rejected"]
    assert len(vpa_rules.warnings(vpa, old)) == case.expected["warningCount"]


def play_gate(feature: Feature) -> Callable[[vectors.Case], None]:
    def play(case: vectors.Case) -> None:
        old = case.input["oldObj"]
        used = frozenset[Feature]() if old is None else vpa_rules.used_features(read(old))
        allowed = case.input["featureFlag"] or feature in used
        assert allowed is case.expected["expected"]

    return play


TABLES: dict[str, Callable[[vectors.Case], None]] = {
    "TestValidateVPA": play_validation,
    "TestAllowCPUBoost": play_gate("CPUStartupBoost"),
    "TestAllowPerVPAConfig": play_gate("PerVPAConfig"),
}
PLAYERS: dict[str, Callable[[vectors.Case], None]] = {"vpa_validation": lambda case: TABLES[case.table](case)}


@pytest.mark.parametrize("case", vectors.cases(*PLAYERS))
def test_upstreams_answer_is_ours(case: vectors.Case) -> None:
    PLAYERS[case.kind](case)
