"""Containers that were killed for memory, counted once each."""

from typing import Any

import msgspec
import pytest

from scaler.clock import from_rfc3339
from scaler.vertical.oom import Kill, Seen, evictions, kills
from scaler.vertical.running import RunningPod, crew_of, seen_of
from tests.vertical import vectors


def _requests(pod: dict[str, Any], memory: str) -> None:
    pod["status"]["containerStatuses"][0]["resources"] = {"requests": {"memory": memory}}


def _no_requests(told: dict[str, Any]) -> None:
    told["newPod"]["spec"]["containers"][0]["resources"] = {}


def _in_status(told: dict[str, Any]) -> None:
    _requests(told["newPod"], "2048")


def _before(told: dict[str, Any]) -> None:
    _requests(told["oldPod"], "2048")


LOST = {
    "isNewOOM-reads-zero-memory-when-new-pod-has-no-requests": _no_requests,
    "isNewOOM-prefers-containerStatus-resources-over-spec-resources": _in_status,
    "isPreviousOOM-reads-resources-from-oldPod-not-newPod": _before,
}
"""What upstream's test does to the pods of three cases before it runs, which their recorded input lacks."""


def play_update(case: vectors.Case) -> None:
    told = msgspec.json.decode(msgspec.json.encode(case.input))
    for slug, change in LOST.items():
        if case.name.endswith(slug):
            change(told)
    old, new = (msgspec.convert(told[name], RunningPod) for name in ("oldPod", "newPod"))
    found = list(kills(new.metadata.namespace, new.metadata.name, seen_of(old), seen_of(new)))
    expected = case.expected["wantOOMInfo"]
    assert found == ([] if expected is None else [kill_of(expected)])


def play_event(case: vectors.Case) -> None:
    event = case.input["event"]
    who, metadata = event["involvedObject"], event["metadata"]
    time = from_rfc3339(metadata["creationTimestamp"])
    found = evictions(who["namespace"], who["name"], metadata.get("annotations", {}), time)
    assert found == [kill_of(one) for one in case.expected["oomInfo"]]


def kill_of(told: dict[str, Any]) -> Kill:
    pod = told["ContainerID"]["PodID"]
    time = from_rfc3339(told["Timestamp"])
    return Kill(pod["Namespace"], pod["PodName"], told["ContainerID"]["ContainerName"], time, told["Memory"])


TABLES = {"TestOOMObserverOnUpdate": play_update, "TestParseEvictionEvent": play_event}
PLAYERS = {"oom_detection": lambda case: TABLES[case.table](case)}


@pytest.mark.parametrize("case", vectors.cases(*PLAYERS))
def test_upstreams_answer_is_ours(case: vectors.Case) -> None:
    PLAYERS[case.kind](case)


def test_a_container_that_was_not_seen_before_tells_nothing() -> None:
    assert not list(kills("shop", "web", {}, {"app": Seen(killed_at="2026-01-01T00:00:00Z", terminated=True)}))


def test_sidecars_and_init_containers_are_killed_too() -> None:
    pod = RunningPod(
        spec=msgspec.convert(
            {"initContainers": [{"name": "proxy", "restartPolicy": "Always"}]}, type(RunningPod().spec)
        ),
        status=msgspec.convert(
            {
                "initContainerStatuses": [
                    {
                        "name": "proxy",
                        "state": {"terminated": {"reason": "OOMKilled", "finishedAt": "2026-01-01T00:00:00Z"}},
                    }
                ]
            },
            type(RunningPod().status),
        ),
    )
    assert crew_of(pod).sidecars == ("proxy",)
    assert [kill.container for kill in kills("shop", "web", {"proxy": Seen(running=True)}, seen_of(pod))] == ["proxy"]


@pytest.mark.parametrize("usage", ["much", "1024Ki,,", ""])
def test_an_event_that_makes_no_sense_tells_nothing(usage: str) -> None:
    told = {"offending_containers": "a", "offending_containers_usage": usage, "starved_resource": "memory"}
    assert evictions("shop", "web", told, 0.0) == []
    assert evictions("shop", "web", {}, 0.0) == []
