"""Scripts for an autoscaler, played on both servers at one second a sync, and what came of each step.

All scripts of a server play at once, each in a namespace of its own. A step is over when the autoscaler has had
nothing new to say for some syncs and its target has come to rest; its trace is every number of replicas it wished for
meanwhile, and its status. Syncs are counted, not seconds: a second autoscaler in the namespace, the metronome, asks
for a metric at each of its own. For the same reason no script depends on policies of a few seconds.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from tests.conformance.client import Client, path
from tests.conformance.metrics import Metrics
from tests.conformance.objects import autoscaler, deployment, external, resource
from tests.conformance.servers import Server

Object = dict[str, Any]

QUIET = 4
"""Beats of the metronome without news after which a step may be over."""
LONGEST = 120.0
"""Seconds after which a step has failed."""

OPEN = {
    "scaleUp": {"policies": [{"type": "Percent", "value": 10_000, "periodSeconds": 1800}]},
    "scaleDown": {"stabilizationWindowSeconds": 0},
}
"""Goes anywhere at once."""


@dataclass
class Stage:
    """What a script acts on."""

    client: Client
    server: Server
    metrics: Metrics
    namespace: str
    cores: float | None = None
    """What each pod uses."""

    @property
    def beats(self) -> int:
        """How often the metronome has been heard."""
        return self.metrics.asked[self.namespace, "beat"]

    async def patch(self, plural: str, name: str, change: Object, subresource: str = "") -> None:
        (await self.client.patch(path(plural, self.namespace, name, subresource), change)).ok()


Act = Callable[[Stage], Awaitable[None]]


def say(name: str, *values: str) -> Act:
    """The external metric has these values."""

    async def act(stage: Stage) -> None:
        stage.metrics.external[stage.namespace, name] = list(values)

    return act


def fail(name: str, code: int) -> Act:
    """The external metric is refused."""

    async def act(stage: Stage) -> None:
        stage.metrics.external[stage.namespace, name] = code

    return act


def use(cores: float | None) -> Act:
    """Each pod uses so many cores, or has no metrics."""

    async def act(stage: Stage) -> None:
        stage.cores = cores

    return act


def scale(replicas: int) -> Act:
    """Somebody else scales the target."""

    async def act(stage: Stage) -> None:
        await stage.patch("deployments", "web", {"spec": {"replicas": replicas}}, "scale")

    return act


def change(**spec: Any) -> Act:
    """The autoscaler is edited."""

    async def act(stage: Stage) -> None:
        await stage.patch("horizontalpodautoscalers", "h", {"spec": spec})

    return act


def pods_say(**values: str) -> Act:
    """The custom metric ``rate`` of all pods that there are has the first value, of later ones none."""

    async def act(stage: Stage) -> None:
        found = (await stage.client.get(path("pods", stage.namespace))).ok()["items"]
        named = {one["metadata"]["name"]: values["each"] for one in found}
        stage.metrics.pods[stage.namespace, "rate"] = named

    return act


def object_says(value: str) -> Act:
    """The custom metric ``hits`` of the Service ``front`` has this value."""

    async def act(stage: Stage) -> None:
        stage.metrics.objects[stage.namespace, "services/front", "hits"] = value

    return act


async def second_autoscaler(stage: Stage) -> None:
    """Another one for the same pods."""
    body = autoscaler("other", "web", [external("depth", averageValue="5")])
    (await stage.client.create(path("horizontalpodautoscalers", stage.namespace), body)).ok()


async def nothing(stage: Stage) -> None:
    """Time goes by."""


@dataclass(frozen=True)
class Script:
    """An autoscaler, the acts, and the numbers of replicas it wishes for after each."""

    metrics: list[Object]
    acts: list[Act]
    desired: list[list[int]]
    spec: Object = field(default_factory=dict)
    replicas: int = 1
    annotations: dict[str, str] = field(default_factory=dict)
    target: str = "web"


DEPTH = external("depth", averageValue="5")


SCRIPTS: dict[str, Script] = {
    "it goes where the metric says": Script(
        [DEPTH],
        [say("depth", "5"), say("depth", "50"), say("depth", "12"), say("depth", "0")],
        [[1], [10], [3], [1]],
        {"behavior": OPEN},
    ),
    "without a behavior it goes up the same way and waits before it goes down": Script(
        [DEPTH], [say("depth", "50"), say("depth", "12")], [[4, 8, 10], []]
    ),
    "values add up": Script([DEPTH], [say("depth", "5", "2500m", "2500m")], [[2]]),
    "the selector is passed on": Script(
        [external("depth", {"app": "a"}, averageValue="5")], [say("depth", "10")], [[2]]
    ),
    "a tenth more or less is the same": Script(
        [DEPTH],
        [say("depth", "20"), say("depth", "22"), say("depth", "18"), say("depth", "22001m"), say("depth", "17999m")],
        [[4], [], [], [5], [4]],
        {"behavior": OPEN},
    ),
    "tolerance may be set": Script(
        [DEPTH],
        [say("depth", "20"), say("depth", "29"), say("depth", "31"), say("depth", "29")],
        [[4], [], [7], [6]],
        {
            "behavior": {
                "scaleUp": {**OPEN["scaleUp"], "tolerance": "0.5"},
                "scaleDown": {**OPEN["scaleDown"], "tolerance": "0"},
            }
        },
    ),
    "it stays within its bounds": Script(
        [DEPTH],
        [say("depth", "500"), say("depth", "0")],
        [[6], [2]],
        {"behavior": OPEN, "minReplicas": 2, "maxReplicas": 6},
        replicas=2,
    ),
    "too many are brought to the maximum, too few to the minimum": Script(
        [DEPTH],
        [say("depth", "25"), scale(9), scale(1), change(maxReplicas=4)],
        [[5], [6, 5], [2, 5], [4]],
        {"behavior": OPEN, "minReplicas": 2, "maxReplicas": 6},
        replicas=5,
    ),
    "at zero it does nothing": Script(
        [DEPTH], [say("depth", "25"), scale(0), say("depth", "50"), scale(1)], [[4, 5], [0], [], [4, 8, 10]]
    ),
    "a metric that fails holds what there is": Script(
        [DEPTH],
        [say("depth", "15"), fail("depth", 404), fail("depth", 500), say("depth"), say("depth", "5")],
        [[3], [], [], [], [1]],
        {"behavior": OPEN},
    ),
    "the highest of several metrics counts": Script(
        [DEPTH, external("lag", averageValue="10")],
        [say("depth", "10"), say("lag", "40"), say("depth", "30"), say("lag", "0")],
        [[2], [4], [6], []],
        {"behavior": OPEN},
    ),
    "with one metric missing it goes up but not down": Script(
        [DEPTH, external("lag", averageValue="10")],
        [
            say("lag", "20"),
            say("depth", "25"),
            fail("lag", 503),
            say("depth", "10"),
            say("depth", "35"),
            say("lag", "0"),
        ],
        [[2], [5], [], [], [7], []],
        {"behavior": OPEN},
    ),
    "a whole value counts once": Script(
        [external("depth", value="10")],
        [say("depth", "30"), say("depth", "10"), say("depth", "5")],
        [[3], [], [2, 1]],
        {"behavior": {**OPEN, "scaleUp": {"policies": [{"type": "Pods", "value": 2, "periodSeconds": 1800}]}}},
    ),
    "policies limit the way up": Script(
        [DEPTH],
        [say("depth", "100"), nothing],
        [[3], []],
        {"behavior": {"scaleUp": {"policies": [{"type": "Pods", "value": 2, "periodSeconds": 1800}]}}},
    ),
    "policies limit the way down": Script(
        [DEPTH],
        [say("depth", "50"), say("depth", "5"), nothing],
        [[10], [9], []],
        {
            "behavior": {
                "scaleDown": {
                    "stabilizationWindowSeconds": 0,
                    "policies": [{"type": "Percent", "value": 10, "periodSeconds": 1800}],
                }
            }
        },
        replicas=10,
    ),
    "the least of the policies may be chosen": Script(
        [DEPTH],
        [say("depth", "100")],
        [[5]],
        {
            "behavior": {
                "scaleUp": {
                    "selectPolicy": "Min",
                    "policies": [
                        {"type": "Pods", "value": 1, "periodSeconds": 1800},
                        {"type": "Percent", "value": 100, "periodSeconds": 1800},
                    ],
                }
            }
        },
        replicas=4,
    ),
    "a direction may be closed": Script(
        [DEPTH],
        [say("depth", "15"), say("depth", "5")],
        [[3], []],
        {"behavior": {"scaleDown": {"selectPolicy": "Disabled", "stabilizationWindowSeconds": 0}}},
    ),
    "going up may wait as well": Script(
        [DEPTH],
        [say("depth", "5"), say("depth", "50")],
        [[1], []],
        {"behavior": {"scaleUp": {"stabilizationWindowSeconds": 600}}},
    ),
    "cpu as a share of what is requested": Script(
        [resource("cpu", averageUtilization=50)],
        [use(0.05), use(0.07), use(0.02)],
        [[2], [3], [2, 1]],
        {"behavior": {**OPEN, "scaleUp": {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 1800}]}}},
        replicas=2,
    ),
    "cpu as an amount": Script(
        [resource("cpu", averageValue="50m")],
        [use(0.05), use(0.1)],
        [[2], [4]],
        {"behavior": {"scaleUp": {"policies": [{"type": "Pods", "value": 2, "periodSeconds": 1800}]}}},
        replicas=2,
    ),
    "memory as an amount": Script(
        [resource("memory", averageValue="64Mi")], [use(0.05)], [[2]], {"behavior": OPEN}, replicas=2
    ),
    "one container's cpu": Script(
        [
            {
                "type": "ContainerResource",
                "containerResource": {
                    "name": "cpu",
                    "container": "main",
                    "target": {"type": "Utilization", "averageUtilization": 50},
                },
            }
        ],
        [use(0.1)],
        [[4]],
        {"behavior": {"scaleUp": {"policies": [{"type": "Pods", "value": 2, "periodSeconds": 1800}]}}},
        replicas=2,
    ),
    "pods without metrics": Script([resource("cpu", averageUtilization=50)], [nothing], [[0]], replicas=2),
    "a container that is not there": Script(
        [
            {
                "type": "ContainerResource",
                "containerResource": {
                    "name": "cpu",
                    "container": "none",
                    "target": {"type": "Utilization", "averageUtilization": 50},
                },
            }
        ],
        [use(0.1)],
        [[0]],
        replicas=2,
    ),
    "pods that are not ready": Script(
        [resource("cpu", averageUtilization=50)],
        [use(0.1)],
        [[0]],
        replicas=2,
        annotations={"fake-kubelet/never-ready": "true"},
    ),
    "pods that wait": Script(
        [resource("cpu", averageUtilization=50)],
        [use(0.1)],
        [[0]],
        replicas=2,
        annotations={"fake-kubelet/stays-pending": "true"},
    ),
    "a custom metric of pods": Script(
        [
            {
                "type": "Pods",
                "pods": {"metric": {"name": "rate"}, "target": {"type": "AverageValue", "averageValue": "10"}},
            }
        ],
        [nothing, pods_say(each="20")],
        [[0], [4]],
        {"behavior": {"scaleUp": {"policies": [{"type": "Pods", "value": 2, "periodSeconds": 1800}]}}},
        replicas=2,
    ),
    "a custom metric of an object": Script(
        [
            {
                "type": "Object",
                "object": {
                    "metric": {"name": "hits"},
                    "describedObject": {"apiVersion": "v1", "kind": "Service", "name": "front"},
                    "target": {"type": "AverageValue", "averageValue": "10"},
                },
            }
        ],
        [nothing, object_says("35")],
        [[0], [4]],
        {"behavior": OPEN},
    ),
    "no such target": Script([DEPTH], [say("depth", "50")], [[0]], target="none"),
    "two for the same pods": Script([DEPTH], [say("depth", "10"), second_autoscaler], [[2], []]),
}


async def play_all(server: Server, client: Client, metrics: Metrics, new_namespace: Any) -> dict[str, list[Object]]:
    """The traces of all scripts."""
    stages = {name: Stage(client, server, metrics, await new_namespace(client)) for name in SCRIPTS}
    by_namespace = {stage.namespace: stage for stage in stages.values()}
    server.use(lambda pod: _usage(by_namespace, pod))
    metrics.external |= {(namespace, "beat"): ["1"] for namespace in by_namespace}
    try:
        async with asyncio.TaskGroup() as group:
            tasks = {name: group.create_task(_play(script, stages[name])) for name, script in SCRIPTS.items()}
    finally:
        for namespace in by_namespace:
            await client.delete(path("namespaces", name=namespace))
    return {name: task.result() for name, task in tasks.items()}


def _usage(stages: dict[str, Stage], pod: Any) -> tuple[float, float] | None:
    stage = stages.get(pod["metadata"]["namespace"])
    return None if stage is None or stage.cores is None else (stage.cores, 64 * 2.0**20)


async def _play(script: Script, stage: Stage) -> list[Object]:
    client, namespace = stage.client, stage.namespace
    await _place(client, namespace, script.replicas, script.annotations)
    autoscalers = path("horizontalpodautoscalers", namespace)
    trace = []
    async with client.watch(autoscalers, fieldSelector="metadata.name=h") as stream:
        await script.acts[0](stage)
        (await client.create(autoscalers, autoscaler("h", script.target, script.metrics, **script.spec))).ok()
        known: int | None = None
        for number, act in enumerate(script.acts):
            if number:
                await act(stage)
            wished = await _watched(stream, stage, ready=not script.annotations)
            status = (await client.get(f"{autoscalers}/h")).ok()["status"]
            news = [count for index, count in enumerate(wished) if count != (wished[index - 1] if index else known)]
            known = wished[-1] if wished else known
            trace.append({"desired": news, "status": _shown(status, namespace)})
    trace.append({"events": await _events(client, namespace)})
    return trace


async def _place(client: Client, namespace: str, replicas: int, annotations: dict[str, str]) -> None:
    """The target with its pods, and the metronome."""
    deployments = path("deployments", namespace)
    (await client.create(deployments, deployment("web", replicas, annotations))).ok()
    (await client.create(deployments, deployment("metronome", 1))).ok()
    beat = autoscaler("metronome", "metronome", [external("beat", averageValue="1")])
    (await client.create(path("horizontalpodautoscalers", namespace), beat)).ok()
    await client.until(f"{deployments}/web", lambda found: found["status"].get("replicas", 0) == replicas, LONGEST)
    if not annotations:
        await client.until(
            f"{deployments}/web", lambda one: one["status"].get("readyReplicas", 0) == replicas, LONGEST
        )


async def _watched(stream: Any, stage: Stage, *, ready: bool) -> list[int]:
    """What it wished for until it fell silent and its target came to rest."""
    wished: list[int] = []
    since = stage.beats
    async with asyncio.timeout(LONGEST):
        while stage.beats < since + QUIET or not await _rests(stage, ready=ready):
            try:
                _, found = await stream.next(0.5)
            except TimeoutError:
                continue
            since = stage.beats
            if found["status"].get("conditions"):
                wished.append(found["status"]["desiredReplicas"])
    return wished


async def _rests(stage: Stage, *, ready: bool) -> bool:
    found = (await stage.client.get(path("deployments", stage.namespace, "web"))).ok()
    status, wanted = found["status"], found["spec"]["replicas"]
    counts = [status.get("replicas", 0), status.get("readyReplicas", 0) if ready else wanted]
    return status.get("observedGeneration") == found["metadata"]["generation"] and counts == [wanted, wanted]


def _shown(status: Object, namespace: str) -> Object:
    """A status without times, the same on both servers."""
    conditions = {
        part["type"]: (part["status"], part["reason"], _said(part["message"], namespace))
        for part in status.get("conditions") or ()
    }
    return {
        "current": status.get("currentReplicas", 0),
        "desired": status["desiredReplicas"],
        "metrics": status.get("currentMetrics"),
        "conditions": conditions,
        "scaled": "lastScaleTime" in status,
    }


async def _events(client: Client, namespace: str) -> list[tuple[str, str, str]]:
    about = "involvedObject.kind=HorizontalPodAutoscaler,involvedObject.name=h"
    found = (await client.get(path("events", namespace), fieldSelector=about)).ok()["items"]
    return sorted({(one["type"], one["reason"], _said(one["message"], namespace)) for one in found})


def _said(message: str, namespace: str) -> str:
    """Without the namespace's name, and lists of names in order: upstream's order is that of a hash map."""
    plain = message.replace(namespace, "NAMESPACE")
    return re.sub(r"\[(.*)\]", lambda match: f"[{' '.join(sorted(match[1].split()))}]", plain)
