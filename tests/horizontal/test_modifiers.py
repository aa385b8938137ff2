"""What is wrong with scaling modifiers, and all rules of an object together."""

import pytest

from scaler.horizontal.admission import refusals
from scaler.horizontal.modifiers import composite_spec, compute, names, problems
from tests.horizontal.objects import scaled_object

TRIGGERS = [
    {"type": "aws-sqs-queue", "metadata": {}, "name": "queue"},
    {"type": "cpu", "metadata": {}, "name": "load"},
    {"type": "redis", "metadata": {}, "name": "list"},
]


def modified(triggers=TRIGGERS, **modifiers):
    return scaled_object(triggers=triggers, advanced={"scalingModifiers": modifiers})


# fmt: off
PROBLEMS = [
    ("none used", {}, []),
    ("all is well", {"formula": "queue + list", "target": "2", "activationTarget": "0.5"}, []),
    ("a formula of its own float", {"formula": "float(queue)", "target": "2"}, []),
    ("no formula", {"target": "2"}, ["formula"]),
    ("only a metric type", {"metricType": "Value"}, ["formula", "target"]),
    ("no target", {"formula": "queue"}, ["target"]),
    ("a target of zero", {"formula": "queue", "target": "0"}, ["target"]),
    ("a negative target", {"formula": "queue", "target": "-2"}, ["target"]),
    ("a target that is no number", {"formula": "queue", "target": "two"}, ["target"]),
    ("a target beyond all numbers", {"formula": "queue", "target": "inf"}, ["target"]),
    ("an activation target that is no number", {"formula": "queue", "target": "2", "activationTarget": "x"}, ["activationTarget"]),
    ("an unknown name", {"formula": "queue + nobody", "target": "2"}, ["formula"]),
    ("cpu is no variable", {"formula": "load", "target": "2"}, ["formula"]),
    ("no formula at all", {"formula": "queue +", "target": "2"}, ["formula"]),
    ("no number comes out", {"formula": "queue > 1", "target": "2"}, ["formula"]),
    ("it fails on the trial values", {"formula": "[queue][int(queue) + 9]", "target": "2"}, ["formula"]),
]
# fmt: on


@pytest.mark.parametrize(("modifiers", "fields"), [row[1:] for row in PROBLEMS], ids=[row[0] for row in PROBLEMS])
def test_each_problem_is_named_at_its_field(modifiers, fields):
    found = problems(modified(**modifiers))
    assert [problem.path for problem in found] == [f"spec.advanced.scalingModifiers.{field}" for field in fields]
    assert all(problem.message for problem in found)


def test_every_external_trigger_needs_a_name():
    bare = [{"type": "redis", "metadata": {}}, *TRIGGERS]
    (problem,) = problems(modified(bare, formula="queue", target="2"))
    assert problem.path == "spec.triggers[0].name"


def test_the_variables_are_the_named_external_triggers():
    assert names(modified().spec) == ("queue", "list")


def test_the_composite_metric_is_an_average_unless_told_otherwise():
    spec = composite_spec(modified(formula="queue", target="2.5", activationTarget="3"))
    assert (spec.name, spec.target, spec.metric_type, spec.activation) == ("composite-metric", 2.5, "AverageValue", 3)
    assert composite_spec(modified(formula="queue", target="2", metricType="Value")).metric_type == "Value"


def test_all_rules_come_together_under_their_reasons():
    broken = scaled_object(
        minReplicaCount=6,
        maxReplicaCount=5,
        triggers=[{"type": "cpu", "metadata": {}}],
        advanced={"scalingModifiers": {"target": "2"}},
    )
    found = refusals(broken, [scaled_object(name="other")], pod_spec={"containers": [{"name": "app"}]})
    assert {refusal.reason for refusal in found} == {
        "incorrect-replicas",
        "scaling-modifiers",
        "other-scaled-object",
        "missing-requests",
    }
    assert refusals(scaled_object()) == []


def test_a_formula_may_ask_for_the_time_of_the_check():
    scaled = modified(formula="now().Hour() >= 8 ? queue : 0", target="2")
    assert problems(scaled) == []
    eight, three = 8 * 3600.0, 3 * 3600.0
    assert compute(scaled, {"queue": 7.0, "list": 1.0}, eight).value == 7
    assert compute(scaled, {"queue": 7.0, "list": 1.0}, three).value == 0
