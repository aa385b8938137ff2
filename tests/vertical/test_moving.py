"""All pods of one object judged together."""

from typing import Any

import msgspec

from scaler.vertical.amounts import Bounds
from scaler.vertical.limit_ranges import NO_RANGES
from scaler.vertical.moving import Judged, Memory, is_live, judge_all
from scaler.vertical.pods import Owner, SizedPod
from scaler.vertical.rules import Rules
from scaler.vertical.verdict import Circumstances
from tests.vertical.pod_side import pod_of

NOW = 1767225600.0
RULES = Rules("shop", "web", recommendation={"app": Bounds({"cpu": 1000}, {"cpu": 500}, {"cpu": 2000})})
READY = {"type": "Ready", "status": "True"}


def pod(name: str, cpu: str = "100m", owner: str = "web-1", **metadata: Any) -> SizedPod:
    owners = [{"kind": "ReplicaSet", "name": owner, "controller": True}] if owner else []
    return pod_of(
        {
            "metadata": {"name": name, "namespace": "shop", "uid": name, "ownerReferences": owners, **metadata},
            "spec": {"nodeName": "n", "containers": [{"name": "app", "resources": {"requests": {"cpu": cpu}}}]},
            "status": {"phase": "Running", "conditions": [READY]},
        }
    )


def judged(
    pods: list[SizedPod], memory: Memory | None = None, now: float = NOW, rules: Rules = RULES, wanted: Any = None
) -> list[Judged]:
    def configured(owner: Owner) -> int | None:
        return sum(one.owner == owner for one in pods) if wanted is None else wanted.get(owner.name)

    return judge_all(
        rules,
        pods,
        ranges=NO_RANGES,
        configured=configured,
        around=Circumstances(),
        memory=memory or Memory(),
        now=now,
    )


def moves(found: list[Judged]) -> dict[str, str]:
    return {one.pod.metadata.name: one.verdict.move for one in found if one.verdict.move}


def test_those_that_need_it_most_go_first_within_the_budget() -> None:
    pods = [pod("shrinks", "4"), pod("grows a little", "400m"), pod("grows", "100m"), pod("fits", "1")]
    found = judged(pods)
    assert [one.pod.metadata.name for one in found] == ["grows", "grows a little", "shrinks", "fits"]
    assert moves(found) == {"grows": "evict", "grows a little": "evict"}


def test_each_controller_has_a_budget_of_its_own() -> None:
    pods = [pod(f"{owner}-{index}", owner=owner) for owner in ("old", "new") for index in range(2)]
    assert len(moves(judged(pods))) == 2


def test_a_pod_that_nobody_would_make_again_stays() -> None:
    [found] = judged([pod("bare", owner="")])
    assert found.verdict.reasons[-1].code == "NoController"


def test_pods_of_a_controller_that_cannot_be_read_stay() -> None:
    assert moves(judged([pod("a"), pod("b")], wanted={})) == {}


def test_of_a_job_its_pods_are_its_replicas() -> None:
    of_a_job = [msgspec.structs.replace(pod(name), metadata=meta_of_job(name)) for name in ("a", "b")]
    assert len(moves(judged(of_a_job, wanted={}))) == 1


def meta_of_job(name: str) -> Any:
    owner = Owner("Job", "once", "batch/v1", True)
    return msgspec.structs.replace(pod(name).metadata, owner_references=(owner,))


def test_only_pods_that_run_somewhere_are_judged() -> None:
    assert is_live(pod("a"))
    assert not is_live(pod("a", deletionTimestamp="2026-01-01T00:00:00Z"))
    assert not is_live(pod_of({"status": {"phase": "Pending"}}))
    assert not is_live(pod_of({"spec": {"nodeName": "n"}, "status": {"phase": "Succeeded"}}))


# -- what is remembered ----------------------------------------------------------------------------------------


def evict(memory: Memory, pods: list[SizedPod], now: float) -> list[str]:
    """One round in which all that is judged is done; the names of those that went."""
    found = judged(pods, memory, now)
    gone = [one for one in found if one.verdict.move == "evict"]
    for one in gone:
        memory.was_evicted(one, {each.metadata.uid for each in pods})
    return [one.pod.metadata.name for one in gone]


def generation(number: int, cpu: str = "100m", **metadata: Any) -> list[SizedPod]:
    return [pod(f"{number}-{index}", cpu, **metadata) for index in range(4)]


def test_pods_that_come_back_unchanged_are_not_evicted_again_and_again() -> None:
    memory = Memory()
    assert len(evict(memory, generation(1), NOW)) == 2
    assert evict(memory, [*generation(1)[2:], *generation(2)[:2]], NOW + 60) == []
    assert memory.came_back
    held = judged(generation(2), memory, NOW + 100)
    assert held[0].verdict.reasons[-1].code == "CameBackUnchanged"
    assert held[0].verdict.reasons[-1].message.endswith("one is tried again in 80 s")


def test_after_a_while_one_is_tried_and_then_the_wait_is_twice_as_long() -> None:
    memory = Memory()
    evict(memory, generation(1), NOW)
    evict(memory, generation(2), NOW + 60)
    assert len(evict(memory, generation(2), NOW + 181)) == 1
    assert evict(memory, generation(3), NOW + 240) == []
    assert memory.came_back
    assert evict(memory, generation(3), NOW + 479) == []
    assert not memory.came_back
    assert len(evict(memory, generation(3), NOW + 481)) == 1


def test_a_pod_that_comes_back_changed_ends_it() -> None:
    memory = Memory()
    evict(memory, generation(1), NOW)
    evict(memory, generation(2), NOW + 60)
    evict(memory, generation(2), NOW + 181)
    judged([*generation(2)[1:], pod("3-0", "1")], memory, NOW + 240)
    assert len(evict(memory, generation(2)[1:], NOW + 241)) == 1
    assert memory.storm is not None
    assert memory.storm.strikes == 0


def test_what_is_said_depends_on_whether_the_webhook_had_its_hand_in_it() -> None:
    for annotations, says in (
        ({}, "the webhook did not size them"),
        ({"vpaObservedContainers": "app"}, "something else"),
    ):
        memory = Memory()
        evict(memory, generation(1), NOW)
        found = judged(generation(2, annotations=annotations), memory, NOW + 60)
        assert says in found[0].verdict.reasons[-1].message


def test_what_was_refused_is_tried_again_later_and_later() -> None:
    memory, pods = Memory(), generation(1)
    for tried, again in ((NOW, NOW + 60), (NOW + 60, NOW + 180), (NOW + 180, NOW + 420)):
        assert "1-0" in moves(judged(pods, memory, tried))
        memory.was_refused("1-0", "eviction", "not now", tried)
        assert "1-0" not in moves(judged(pods, memory, again - 1))
    assert set(moves(judged(pods, memory, NOW + 300))) == {"1-1", "1-2"}


def test_nothing_is_remembered_of_pods_that_are_gone() -> None:
    memory = Memory()
    pods = generation(1)
    memory.was_infeasible("1-0", RULES)
    evict(memory, pods, NOW)
    judged(pods[1:], memory, NOW + 1)
    assert memory.attempts == {}
    assert memory.storm is not None
    assert memory.storm.known == {"1-1", "1-2", "1-3"}


def test_a_resize_is_timed_from_when_it_was_seen_first_where_the_pod_does_not_say() -> None:
    rules = msgspec.structs.replace(RULES, mode="InPlaceOrRecreate")
    waiting = {"type": "PodResizePending", "status": "True", "reason": "Deferred"}
    pods = [msgspec.structs.replace(one, status=with_condition(one, waiting)) for one in generation(1)]
    memory = Memory()
    assert moves(judged(pods, memory, NOW, rules)) == {}
    assert moves(judged(pods, memory, NOW + 299, rules)) == {}
    assert set(moves(judged(pods, memory, NOW + 301, rules)).values()) == {"evict"}


def with_condition(one: SizedPod, condition: Any) -> Any:
    return pod_of({"status": {"phase": "Running", "conditions": [READY, condition]}}).status
