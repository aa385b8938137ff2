"""From a whole ScaledObject to its built triggers."""

import pytest

from scaler.errors import ApiError
from scaler.horizontal.readings import Failure
from scaler.triggers.assembly import assemble
from scaler.triggers.connections import Connections
from scaler.triggers.lookup import Access
from tests.triggers.building import NOW
from tests.triggers.endpoint import Endpoint
from tests.triggers.world import Stage, scaled_object

ACCESS = Access(cluster_namespace="scaler")
REDIS = {"type": "redis", "metadata": {"listName": "work"}, "authenticationRef": {"name": "login"}}
SQS = {"type": "aws-sqs-queue", "metadata": {"queueURL": "q", "awsRegion": "r", "identityOwner": "operator"}}


@pytest.fixture
def stage() -> Stage:
    return Stage()


def refer(parameter: str, name: str, key: str) -> dict[str, object]:
    return {"secretTargetRef": [{"parameter": parameter, "name": name, "key": key}]}


async def test_triggers_come_in_their_order_good_and_bad(stage: Stage) -> None:
    bad = {"type": "cron", "metadata": {}}
    built = await assemble(scaled_object(SQS, bad, SQS), stage, ACCESS)
    assert [trigger.plan.index for trigger in built] == [0, 1, 2]
    assert [trigger.polled for trigger in built] == [True, False, True]
    assert [metric.name for metric in built[2].plan.metrics] == ["s2-aws-sqs-q"]


async def test_the_cluster_is_only_read_for_what_is_used(stage: Stage) -> None:
    (trigger,) = await assemble(scaled_object(SQS), stage, ACCESS)
    assert stage.templates_asked == 0
    assert stage.lookup.asked == []
    assert not trigger.refreshable


async def test_authentications_fill_parameters(stage: Stage) -> None:
    stage.authenticate("login", refer("address", "keys", "where"))
    stage.lookup.secrets["shop", "keys"] = {"where": b"redis:6379"}
    (trigger,) = await assemble(scaled_object(REDIS), stage, ACCESS)
    assert trigger.polled
    assert trigger.refreshable
    assert stage.templates_asked == 0


async def test_the_cluster_wide_kind_reads_the_operators_secrets(stage: Stage) -> None:
    stage.authenticate("login", refer("address", "keys", "where"), clustered=True)
    stage.lookup.secrets["scaler", "keys"] = {"where": b"redis:6379"}
    ref = {"name": "login", "kind": "ClusterTriggerAuthentication"}
    (trigger,) = await assemble(scaled_object({**REDIS, "authenticationRef": ref}), stage, ACCESS)
    assert trigger.polled


async def test_an_authentication_that_is_not_there_is_told_beside_what_is_missing_for_it(stage: Stage) -> None:
    (trigger,) = await assemble(scaled_object(REDIS), stage, ACCESS)
    assert trigger.plan.problem == (
        "spec.triggers[0].metadata.address: is required: give host:port here, or host and port; "
        "there is no TriggerAuthentication login in shop"
    )


async def test_a_secret_without_the_key_is_told_with_the_sources_refusal(
    stage: Stage, endpoint: Endpoint, io: Connections
) -> None:
    endpoint.status = 401
    stage.authenticate("login", refer("password", "keys", "pasword"))
    stage.lookup.secrets["shop", "keys"] = {"password": b"hush"}
    metadata = {"url": endpoint.url, "valueLocation": "n", "targetValue": "1"}
    trigger = {"type": "metrics-api", "metadata": metadata, "authenticationRef": {"name": "login"}}
    (built,) = await assemble(scaled_object(trigger), stage, ACCESS)
    (shown,) = await built.read(io, NOW)
    assert isinstance(shown, Failure)
    assert "answered 401" in shown.why
    assert shown.why.endswith("; TriggerAuthentication login: secret keys in shop has no key pasword")


async def test_the_environment_is_that_of_the_named_container_and_read_once(stage: Stage) -> None:
    stage.template = {
        "spec": {
            "containers": [
                {"name": "app", "env": []},
                {"name": "worker", "env": [{"name": "URL", "value": "https://sqs/1/jobs"}]},
            ]
        }
    }
    from_env = {**SQS, "metadata": {**SQS["metadata"], "queueURL": "", "queueURLFromEnv": "URL"}}
    target = {"name": "cart", "envSourceContainerName": "worker"}
    built = await assemble(scaled_object(from_env, from_env, scaleTargetRef=target), stage, ACCESS)
    assert [trigger.plan.metrics[0].name for trigger in built] == ["s0-aws-sqs-jobs", "s1-aws-sqs-jobs"]
    assert stage.templates_asked == 1


async def test_a_target_without_pods_has_no_environment_and_that_is_told(stage: Stage) -> None:
    stage.template = None
    from_env = {**SQS, "metadata": {"awsRegion": "r", "identityOwner": "operator", "queueURLFromEnv": "URL"}}
    (trigger,) = await assemble(scaled_object(from_env), stage, ACCESS)
    assert "the target has no pod template, so *FromEnv has nothing to read" in trigger.plan.problem


async def test_a_formula_makes_targets_optional(stage: Stage) -> None:
    trigger = {"type": "metrics-api", "name": "api", "metadata": {"url": "http://a", "valueLocation": "n"}}
    modifiers = {"scalingModifiers": {"formula": "api * 2", "target": "5"}}
    (plain,) = await assemble(scaled_object(trigger), stage, ACCESS)
    (used,) = await assemble(scaled_object(trigger, advanced=modifiers), stage, ACCESS)
    assert (plain.polled, used.polled) == (False, True)


async def test_an_authentication_that_cannot_be_used_is_a_problem_of_the_trigger(stage: Stage) -> None:
    stage.authenticate("login", {"gcpSecretManager": {"secrets": [{"parameter": "p", "id": "i"}]}})
    (trigger,) = await assemble(scaled_object({**SQS, "authenticationRef": {"name": "login"}}), stage, ACCESS)
    assert trigger.plan.problem.startswith(
        "spec.triggers[0].authenticationRef: TriggerAuthentication login, spec.gcpSecretManager: is not read"
    )


async def test_an_api_server_that_does_not_say_is_an_error_and_no_problem_of_the_user(stage: Stage) -> None:
    stage.authenticate("login", refer("address", "keys", "where"))
    stage.lookup.away = True
    with pytest.raises(ApiError):
        await assemble(scaled_object(REDIS), stage, ACCESS)
