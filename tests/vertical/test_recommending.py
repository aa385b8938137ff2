"""The roster and everyone's recommendations, end to end: samples in, statuses out."""

from typing import Any

import msgspec
import numpy as np
import pytest

from scaler.api.selector import parse_selector
from scaler.api.verticalpodautoscaler import ResourcePolicy, VerticalPodAutoscaler
from scaler.vertical.amounts import Recommendation
from scaler.vertical.estimation import Estimation, Percentiles
from scaler.vertical.quantities import millicores, whole_bytes
from scaler.vertical.recommending import Judged, judge, plan, recommendation
from scaler.vertical.roster import Crew, Floor, Roster
from scaler.vertical.sizing import Rounding
from scaler.vertical.status import written
from scaler.vertical.terms import ContainerTerms, Defaults, Terms, terms_of
from scaler.vertical.usage import DAY, Aggregates, MemoryRules
from tests.vertical import vectors
from tests.vertical.samples import one, rows

NOW = 1767225600.0
"""2026-01-01T00:00:00Z"""


class World:
    """A roster and one subject."""

    def __init__(
        self, defaults: Defaults | None = None, cpu_half_life: float = DAY, memory_half_life: float = DAY
    ) -> None:
        self.defaults = defaults or Defaults()
        self.roster = Roster(Aggregates(cpu_half_life, memory_half_life), self.defaults.memory)

    def use(self, pod: str, container: str, time: float, cpu: int, memory: int) -> None:
        row = self.roster.container(("shop", pod), container, time)
        assert row is not None
        self.roster.containers.add_cpu(rows(row), one(time), rows(cpu))
        self.roster.containers.add_memory(rows(row), one(time), rows(memory))

    def judged(self, now: float = NOW, **more: Any) -> Judged:
        return judge(self.roster.aggregates, plan(self.roster), self.defaults, now, **more)

    def recommended(self, now: float = NOW, subject: int = 0, **more: Any) -> Recommendation:
        found = plan(self.roster)
        return recommendation(found, judge(self.roster.aggregates, found, self.defaults, now, **more), subject)


# -- upstream's cases ------------------------------------------------------------------------------------------


def defaults_of(config: dict[str, Any]) -> Defaults:
    most = {"cpu": (config["MaxCPU"], millicores), "memory": (config["MaxMem"], whole_bytes)}
    return Defaults(
        estimation=Estimation(
            cpu=Percentiles(config["TC"], config["LC"], config["UC"]),
            memory=Percentiles(config["TM"], config["LM"], config["UM"]),
            margin=config["Margin"],
            cpu_confidence=config["CI"],
            memory_confidence=config["CI"],
            minimum_cpu=config["MinCPU"],
            minimum_memory=config["MinMem"],
        ),
        memory=MemoryRules(config["MemInt"], config["MemCnt"], config["Ratio"], config["MinBump"]),
        rounding=Rounding(config["RCPU"], config["RMem"]),
        max_allowed={resource: read(text) for resource, (text, read) in most.items() if text},  # type: ignore[misc]
    )


def value(series: dict[str, Any], step: int) -> int:
    return int(
        series["base"] + series["inc"] * step + ((series["mul"] * step) % series["mod"] if series["mod"] else 0)
    )


def play_end_to_end(case: vectors.Case) -> None:
    told, config = case.input, case.input["config"]
    world = World(defaults_of(config), config["HLc"], config["HLm"])
    policy = msgspec.convert(told.get("resourcePolicy") or {}, ResourcePolicy)
    meta = {"name": "web", "namespace": "shop", "annotations": told.get("annotations") or {}}
    spec = {"resourcePolicy": msgspec.to_builtins(policy)}
    vpa = msgspec.convert({"metadata": meta, "spec": spec}, VerticalPodAutoscaler)
    world.roster.put_subject(("shop", "web"), parse_selector(told["selector"]), terms_of(vpa, world.defaults))
    pods: dict[str, tuple[dict[str, str], list[str]]] = {}
    for series in told["series"]:
        pods.setdefault(series["pod"], (series["labels"], []))[1].append(series["container"])
    for pod, (labels, names) in pods.items():
        world.roster.put_pod(("shop", pod), Crew(labels, tuple(names)), told["series"][0]["startUnix"])
    accepted = []
    events = sorted(happenings(told), key=lambda event: event[:2])
    for time, _, what in events:
        if "requestBytes" in what:
            row = world.roster.container(("shop", what["pod"]), what["container"], time)
            assert row is not None
            accepted.append(
                {"accepted": world.roster.containers.record_oom(row, time, what["requestBytes"]), "unix": time}
            )
        elif "sample" in what:
            series, step = what["sample"]
            cpu, memory = value(series["cpuMillicores"], step), value(series["memoryBytes"], step)
            world.use(series["pod"], series["container"], time, cpu, memory)
        else:
            check_snapshot(world, time, case.expected["snapshots"][what["snapshot"]], humanized=config["Humanize"])
    assert accepted == case.expected.get("ooms", [])


def happenings(told: dict[str, Any]) -> list[tuple[float, int, dict[str, Any]]]:
    """Samples before kills before snapshots of the same second."""
    return [
        *(
            (series["startUnix"] + step * series["stepSeconds"], 0, {"sample": (series, step)})
            for series in told["series"]
            for step in range(series["count"])
        ),
        *((oom["unix"], 1, oom) for oom in told.get("ooms", [])),
        *((time, 2, {"snapshot": number}) for number, time in enumerate(told["snapshotsUnix"])),
    ]


def check_snapshot(world: World, now: float, expected: dict[str, Any], *, humanized: bool) -> None:
    assert expected["atUnix"] == now
    found = plan(world.roster)
    judged = judge(world.roster.aggregates, found, world.defaults, now)
    aggregate = {
        name: {
            "firstSampleUnix": judged.evidence.first[group],
            "lastSampleUnix": judged.evidence.last[group],
            "totalSamplesCount": judged.evidence.samples[group],
        }
        for group, name in enumerate(found.names)
        if judged.given[group]
    }
    assert aggregate == expected["aggregate"]
    most = {name: int(found.max_allowed[group, 1]) for group, name in enumerate(found.names)}
    status = written(recommendation(found, judged, 0), humanized=humanized, most=most)
    assert msgspec.json.decode(msgspec.json.encode(status)) == expected["status"]


def play_memory_saver(case: vectors.Case) -> None:
    world = World()
    for number, selector in enumerate(case.input["VPALabelSelectors"]):
        world.roster.put_subject(("shop", str(number)), parse_selector(selector), Terms())
    for number, labels in enumerate(case.input["PodLabels"]):
        if world.roster.wants("shop", labels):
            world.roster.put_pod(("shop", str(number)), Crew(labels, ("app",)), NOW)
    assert world.roster.pods == case.input["TrackedPods"]


PLAYERS = {"recommender_end_to_end": play_end_to_end, "memory_saver": play_memory_saver}


@pytest.mark.parametrize("case", vectors.cases(*PLAYERS))
def test_upstreams_answer_is_ours(case: vectors.Case) -> None:
    PLAYERS[case.kind](case)


# -- what upstream has no case of ------------------------------------------------------------------------------

WEB = {"app": "web"}


def world_with(terms: Terms | None = None, pods: int = 1, containers: tuple[str, ...] = ("app",)) -> World:
    world = World()
    world.roster.put_subject(("shop", "web"), parse_selector("app=web"), terms or Terms())
    for number in range(pods):
        world.roster.put_pod(("shop", f"web-{number}"), Crew(WEB, containers), NOW)
        for container in containers:
            world.use(f"web-{number}", container, NOW, 100, 300 << 20)
    return world


def test_pods_that_were_there_first_count_for_an_object_that_comes_later() -> None:
    world = World()
    world.roster.put_pod(("shop", "web-0"), Crew(WEB, ("app",)), NOW)
    world.use("web-0", "app", NOW, 100, 300 << 20)
    assert world.judged().given.tolist() == []
    world.roster.put_subject(("shop", "web"), parse_selector("app=web"), Terms())
    assert world.recommended()["app"].target == {"cpu": 126, "memory": 380258472}
    world.roster.put_subject(("shop", "web"), parse_selector("app=other"), Terms())
    assert world.recommended() == {}


def test_two_objects_on_the_same_pods_get_the_same_usage() -> None:
    world = world_with()
    world.roster.put_subject(("shop", "again"), parse_selector("app in (web, api)"), Terms())
    assert world.recommended(subject=0) == world.recommended(subject=1) != {}


def test_other_namespaces_do_not_count() -> None:
    world = world_with()
    world.roster.put_pod(("bank", "web-0"), Crew(WEB, ("app",)), NOW)
    subject = world.roster.subject(("shop", "web"))
    assert subject is not None
    assert len(subject.rows()["app"]) == 1


def test_what_pods_used_outlives_them_until_it_is_too_old() -> None:
    world = world_with(pods=3)
    for number in range(3):
        world.roster.drop_pod(("shop", f"web-{number}"))
    subject = world.roster.subject(("shop", "web"))
    assert subject is not None
    assert not subject.matches_pods
    assert "app" in world.recommended()
    assert world.roster.collect(NOW + 7.9 * DAY) == 0
    assert world.roster.collect(NOW + 8 * DAY) == 1
    assert world.recommended() == {}
    assert world.roster.aggregates.rows.used == 0
    assert subject.sets == set()


def test_a_running_container_whose_usage_was_too_old_begins_anew() -> None:
    world = world_with()
    assert world.roster.collect(NOW + 9 * DAY) == 1
    assert world.recommended() == {}
    world.use("web-0", "app", NOW + 9 * DAY, 500, 1 << 30)
    assert world.recommended()["app"].target["cpu"] > 500


def test_containers_of_a_pod_whose_labels_change_keep_what_is_known_of_their_memory() -> None:
    world = world_with()
    before = world.roster.container(("shop", "web-0"), "app", NOW)
    world.roster.put_pod(("shop", "web-0"), Crew({**WEB, "version": "2"}, ("app",)), NOW)
    after = world.roster.container(("shop", "web-0"), "app", NOW)
    assert after == before
    assert world.roster.containers.peak[after] == 300 << 20
    assert len(plan(world.roster).groups.rows) == 2


def test_the_minimum_is_shared_by_those_that_get_a_recommendation() -> None:
    off = Terms(containers={"quiet": ContainerTerms(off=True)})
    world = world_with(off, containers=("app", "log", "quiet"))
    world.roster.put_pod(("shop", "unseen"), Crew(WEB, ("app", "unseen")), NOW)
    judged = world.judged()
    names = plan(world.roster).names
    assert names == ["app", "log", "quiet", "unseen"]
    assert judged.given.tolist() == [True, True, False, False]
    assert judged.minimum[0].tolist() == [12, 131072000]


def test_an_object_may_have_a_minimum_of_its_own() -> None:
    world = world_with(Terms(minimum=(5.0, 16.0)))
    world.use("web-0", "app", NOW + 60, 1, 1 << 20)
    world.roster.put_subject(("shop", "large"), parse_selector("app=web"), Terms())
    assert world.judged().minimum.tolist() == [[5, 16 << 20], [25, 250 << 20]]


def test_init_containers_count_only_where_an_object_asks_for_them() -> None:
    world = World()
    crew = Crew(WEB, ("app",), sidecars=("proxy",), init_containers=("setup",))
    world.roster.put_pod(("shop", "web-0"), crew, NOW)
    for number, which in enumerate(("none", "sidecars", "all")):
        world.roster.put_subject(("shop", f"{number}"), parse_selector("app=web"), Terms(init_containers=which))
    for container in ("app", "proxy", "setup"):
        world.use("web-0", container, NOW, 100, 300 << 20)
    assert world.roster.container(("shop", "web-0"), "unknown", NOW) is None
    found = [sorted(world.recommended(subject=number)) for number in range(3)]
    assert found == [["app"], ["app", "proxy"], ["app", "proxy", "setup"]]


def test_an_oom_floor_holds_until_its_time() -> None:
    world = world_with()
    subject = world.roster.subject(("shop", "web"))
    assert subject is not None
    world.roster.set_floor(subject, "app", Floor(4 << 30, NOW + 60))
    raised = world.recommended()["app"]
    assert {each["memory"] for each in (raised.target, raised.lower)} == {4 << 30}
    assert raised.upper["memory"] >= 4 << 30
    assert world.recommended(NOW + 60)["app"].target["memory"] == 380258472
    world.roster.set_floor(subject, "app", None)
    assert world.recommended()["app"].target["memory"] == 380258472


def test_a_pod_is_sized_no_larger_than_the_largest_node() -> None:
    world = world_with(Terms(fit_node=True), containers=("app", "log"))
    world.use("web-0", "app", NOW + 60, 3000, 300 << 20)
    node = {"cpu": 2000, "memory": 100 << 30}
    for amounts in ("target", "lower", "upper"):
        found = world.recommended(node=node)
        assert sum(getattr(one, amounts)["cpu"] for one in found.values()) <= 2000
    assert world.recommended(node=node)["app"].uncapped == world.recommended()["app"].target
    assert (
        world.recommended(node={"cpu": 64000, "memory": 100 << 30})["app"].target == world.recommended()["app"].target
    )


def run_of(job: str, **more: str) -> Crew:
    labels = {"app": "nightly", "job-name": job, "batch.kubernetes.io/controller-uid": job}
    return Crew({**labels, **more}, ("app",), job=job)


def test_runs_of_a_cron_job_share_their_usage() -> None:
    world = World()
    world.roster.put_subject(("shop", "nightly"), parse_selector("app=nightly"), Terms())
    for minute in range(29000000, 29000050):
        key = ("shop", f"nightly-{minute}-x")
        world.roster.put_pod(key, run_of(f"nightly-{minute}"), NOW)
        world.use(key[1], "app", NOW + minute, 100, 300 << 20)
        world.roster.drop_pod(key)
    assert world.roster.aggregates.rows.used == 1
    assert world.judged().evidence.samples.tolist() == [50]


def test_jobs_are_told_apart_where_a_selector_asks_for_them() -> None:
    world = World()
    world.roster.put_subject(("shop", "one"), parse_selector("job-name=load-20260101"), Terms())
    for job in ("load-20260101", "load-20260102"):
        world.roster.put_pod(("shop", job), run_of(job), NOW)
        world.use(job, "app", NOW, 100, 300 << 20)
    assert world.judged().evidence.samples.tolist() == [1]


def test_a_subject_that_goes_takes_what_was_loaded_for_it() -> None:
    world = world_with()
    subject = world.roster.subject(("shop", "web"))
    assert subject is not None
    row = world.roster.loaded(subject, "old", NOW)
    world.roster.aggregates.count[row] = 5
    assert plan(world.roster).names == ["app", "old"]
    world.roster.forget(subject, "old")
    assert plan(world.roster).names == ["app"]
    world.roster.loaded(subject, "old", NOW)
    world.roster.drop_subject(("shop", "web"))
    assert world.roster.aggregates.rows.used == 1
    assert plan(world.roster).names == []


def test_a_plan_holds_until_something_counts_differently() -> None:
    world = world_with(pods=2)
    version = world.roster.version
    world.use("web-0", "app", NOW + 60, 120, 1 << 29)
    world.roster.put_pod(("shop", "web-1"), Crew(dict(WEB), ("app",)), NOW)
    world.roster.put_subject(("shop", "web"), parse_selector("app=web"), Terms())
    assert world.roster.version == version
    world.roster.put_pod(("shop", "api-0"), Crew({"app": "api"}, ("app",)), NOW)
    assert world.roster.version > version


def test_nobody_gets_nothing() -> None:
    world = World()
    assert world.judged().given.tolist() == []
    assert np.array_equal(world.judged().sizes, np.zeros((0, 4, 2)))
