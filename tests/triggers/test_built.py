"""A built trigger: what it plans, how problems are told, how an offline check differs."""

import pytest

from scaler.errors import Problem
from scaler.horizontal.readings import Failure
from scaler.triggers.built import advise, build, check
from scaler.triggers.connections import Connections
from tests.triggers.building import NOW, built, entry, good
from tests.triggers.endpoint import Endpoint

SQS = {"queueURL": "https://sqs.eu-west-1.amazonaws.com/1/work", "awsRegion": "eu-west-1"}
API = {"url": "http://a/b", "valueLocation": "n", "targetValue": "5"}


class TestProblems:
    def test_stand_at_their_place_in_the_object(self) -> None:
        trigger = built("cron", {"timezone": "UTC", "start": "0 8 * * *", "desiredReplicas": "2"}, index=4)
        assert [problem.path for problem in trigger.problems] == ["spec.triggers[4].metadata.end"]

    def test_of_an_unknown_type_name_those_that_are_near(self) -> None:
        (problem,) = built("aws-sqs-queues", {}).problems
        assert str(problem) == (
            "spec.triggers[0].type: is not a trigger type of this build: did you mean aws-sqs-queue? (it is 'aws-sqs-queues')"
        )

    def test_of_an_unknown_type_far_from_all_name_all(self) -> None:
        (problem,) = built("zzz", {}).problems
        assert "there are aws-sqs-queue, cpu, cron" in str(problem)

    @pytest.mark.parametrize(
        ("metric_type", "words"),
        [("Utilization", "(Utilization is for cpu and memory only)"), ("Average", "must be AverageValue or Value")],
    )
    def test_of_the_metric_type_stand_there(self, metric_type: str, words: str) -> None:
        (problem,) = built("metrics-api", API, metric_type=metric_type).problems
        assert problem.path == "spec.triggers[0].metricType"
        assert words in problem.message

    def test_of_the_authentication_stand_at_its_reference(self) -> None:
        trigger = built("metrics-api", API, problems=(Problem("authenticationRef", "cannot be used"),))
        assert trigger.plan.problem == "spec.triggers[0].authenticationRef: cannot be used"

    def test_come_with_notes_and_with_the_variables_that_are_not_there(self) -> None:
        given = {"awsRegion": "eu-west-1", "queueURLFromEnv": "QUEUE", "identityOwner": "operator"}
        trigger = built("aws-sqs-queue", given, env={}, notes=("there is no secret keys in shop",))
        assert trigger.plan.problem == (
            "spec.triggers[0].metadata.queueURL: is required: give it here or by queueURLFromEnv; "
            "there is no secret keys in shop; "
            "queueURLFromEnv names QUEUE, which is not in the environment of the target's container or is blank"
        )

    async def test_make_every_check_a_failure(self, io: Connections) -> None:
        trigger = built("zzz", {}, index=3)
        assert not trigger.polled
        assert await trigger.read(io, NOW) == [Failure(3, "", trigger.plan.problem, NOW)]


class TestThePlan:
    def test_keeps_what_the_entry_says(self) -> None:
        spec = entry("metrics-api", API, name="api", use_cached_metrics=True, metric_type="Value")
        from scaler.triggers.contract import BuildContext

        plan = build(7, spec, BuildContext("shop", "cart")).plan
        assert (plan.index, plan.type, plan.name, plan.cached) == (7, "metrics-api", "api", True)
        assert plan.metrics[0].metric_type == "Value"

    def test_shows_the_activation_threshold(self) -> None:
        (metric,) = good("metrics-api", {**API, "activationTargetValue": "0.5"}).plan.metrics
        assert metric.activation == 0.5


class TestAReading:
    async def test_tells_how_long_the_source_took(self, io: Connections, endpoint: Endpoint) -> None:
        endpoint.body, endpoint.delay = {"n": 1}, 0.1
        (shown,) = await good("metrics-api", {**API, "url": endpoint.url}).read(io, NOW)
        assert not isinstance(shown, Failure)
        assert shown.latency >= 0.1
        assert shown.at == NOW

    async def test_of_a_shared_answer_is_each_triggers_own(self, io: Connections, endpoint: Endpoint) -> None:
        endpoint.body = {"n": 3}
        here = {**API, "url": endpoint.url}
        one = good("metrics-api", here, index=1)
        other = good("metrics-api", {**here, "activationTargetValue": "3"}, index=2)
        assert one.source == other.source
        answer = await one.ask(io)
        assert [(shown.trigger, shown.active) for shown in one.readings(answer, NOW)] == [(1, True)]
        assert [(shown.trigger, shown.active) for shown in other.readings(answer, NOW)] == [(2, False)]
        assert len(endpoint.asked) == 1

    async def test_that_failed_is_shared_as_a_failure_of_each(self, io: Connections, endpoint: Endpoint) -> None:
        endpoint.status = 500
        here = {**API, "url": endpoint.url}
        one, other = good("metrics-api", here, index=1), good("metrics-api", here, index=2, notes=("a note",))
        answer = await one.ask(io)
        (first,), (second,) = one.readings(answer, NOW), other.readings(answer, NOW)
        assert isinstance(first, Failure)
        assert isinstance(second, Failure)
        assert (first.metric, second.metric) == ("s1-metric-api-n", "s2-metric-api-n")
        assert second.why == f"{first.why}; a note"


class TestAnOfflineCheck:
    def test_finds_what_is_wrong_whatever_the_authentication_gives(self) -> None:
        spec = entry("aws-sqs-queue", {"queueURL": "https://host/one", "queueLength": "x"}, **referring())
        assert [problem.path for problem in check(0, spec)] == ["spec.triggers[0].metadata.queueLength"]
        spec = entry("aws-sqs-queue", {"queueURL": "https://host/one"}, **referring())
        assert [problem.path for problem in check(0, spec)] == ["spec.triggers[0].metadata.queueURL"]

    def test_takes_for_given_what_the_authentication_may_give(self) -> None:
        assert check(0, entry("aws-sqs-queue", {"queueURL": "work"}, **referring())) == []
        assert check(0, entry("redis", {"listName": "work"}, **referring())) == []
        assert check(0, entry("metrics-api", {**API, "authMode": "bearer"}, **referring())) == []

    def test_without_an_authentication_takes_nothing_for_given(self) -> None:
        assert [problem.path for problem in check(0, entry("aws-sqs-queue", SQS))] == [
            "spec.triggers[0].authenticationRef",
            "spec.triggers[0].authenticationRef",
        ]

    def test_takes_variables_for_given(self) -> None:
        assert check(0, entry("redis", {"listName": "work", "addressFromEnv": "REDIS"})) == []

    def test_knows_formulas(self) -> None:
        spec = entry("metrics-api", {"url": "http://a", "valueLocation": "n"})
        assert len(check(0, spec)) == 1
        assert check(0, spec, as_metric_source=True) == []

    def test_advises_on_unknown_keys(self) -> None:
        (advice,) = advise(2, entry("metrics-api", {**API, "targetvalue": "5"}))
        assert str(advice).startswith(
            "spec.triggers[2].metadata.targetvalue: is not a parameter of this type: did you"
        )


def referring() -> dict[str, object]:
    from scaler.api.scaledobject import AuthenticationRef

    return {"authentication_ref": AuthenticationRef(name="keys")}
