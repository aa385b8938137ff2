"""The clients that people and programs use: kopf, kubernetes.aio, kubectl."""

import asyncio
import shutil
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import kopf
import pytest
from kubernetes.aio import client as kubernetes_client
from kubernetes.aio import config as kubernetes_config
from kubernetes.aio import watch as kubernetes_watch

from tests.conformance.client import Client, path
from tests.conformance.objects import deployment
from tests.conformance.things import thing as thing_of


class Operator:
    """A kopf operator for Things on a thread of its own; it notes what it is told and writes a status."""

    def __init__(self, group: str, namespace: str) -> None:
        self.told: list[tuple[str | None, str]] = []
        self.news = threading.Event()
        self.ready = threading.Event()
        self._stop = threading.Event()
        registry = kopf.OperatorRegistry()
        kopf.on.login(registry=registry)(kopf.login_with_kubeconfig)
        kopf.on.event(group, "v1", "things", registry=registry)(self._on_event)
        kopf.on.create(group, "v1", "things", registry=registry)(self._on_create)
        settings = kopf.OperatorSettings()
        settings.posting.enabled = False
        settings.process.ultimate_exiting_timeout = None
        self._run = lambda: self._operate(
            registry=registry,
            settings=settings,
            namespaces=[namespace],
            standalone=True,
            stop_flag=self._stop,
            ready_flag=self.ready,
        )
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="kopf", daemon=True)

    async def _operate(self, **options: Any) -> None:
        await kopf.operator(**options)
        # Its connections close by callbacks that the end of the operator has scheduled.
        await asyncio.sleep(0.3)

    def _on_event(self, event: Any, name: str | None, **_: Any) -> None:
        self.told.append((event["type"], name or ""))
        self.news.set()

    def _on_create(self, patch: kopf.Patch, **_: Any) -> None:
        patch.status["phase"] = "Handled"

    def wait_for(self, told: tuple[str, str]) -> None:
        while told not in self.told:
            assert self.news.wait(20), f"kopf was not told of {told}"
            self.news.clear()

    def start(self) -> None:
        self._thread.start()
        assert self.ready.wait(20)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(20)
        assert not self._thread.is_alive()


@pytest.fixture
def operator(group: str, namespace: str, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Operator]:
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    operator = Operator(group, namespace)
    yield operator
    operator.stop()


async def test_a_kopf_operator_works(client: Client, thing: str, group: str, operator: Operator) -> None:
    (await client.create(thing, thing_of(group, "before"))).ok()
    await asyncio.to_thread(operator.start)
    await client.until(f"{thing}/before", lambda found: found.get("status", {}).get("phase") == "Handled")
    (await client.create(thing, thing_of(group, "after"))).ok()
    await client.until(f"{thing}/after", lambda found: found.get("status", {}).get("phase") == "Handled")
    (await client.delete(f"{thing}/before")).ok()
    await asyncio.to_thread(operator.wait_for, ("DELETED", "before"))
    assert (None, "before") in operator.told
    assert ("ADDED", "after") in operator.told
    assert ("MODIFIED", "after") in operator.told


@pytest.fixture
async def api(kubeconfig: Path) -> AsyncIterator[kubernetes_client.ApiClient]:
    """The official asynchronous client, set up as programs do."""
    configuration = kubernetes_client.Configuration()
    await kubernetes_config.load_kube_config(str(kubeconfig), client_configuration=configuration)
    async with kubernetes_client.ApiClient(configuration) as api:
        yield api


async def test_the_official_client_lists_and_patches(api: Any, client: Client, namespace: str) -> None:
    (await client.create(path("deployments", namespace), deployment("web", 1))).ok()
    apps = kubernetes_client.AppsV1Api(api)
    listed = await apps.list_namespaced_deployment(namespace)
    assert [one.metadata.name for one in listed.items] == ["web"]
    assert listed.items[0].spec.strategy.rolling_update.max_surge == "25%"
    patched = await apps.patch_namespaced_deployment_scale("web", namespace, {"spec": {"replicas": 3}})
    assert patched.spec.replicas == 3
    scale = await apps.read_namespaced_deployment_scale("web", namespace)
    assert scale.status.selector == "app=web"
    with pytest.raises(kubernetes_client.ApiException) as refused:
        await apps.read_namespaced_deployment("none", namespace)
    assert refused.value.status == 404


async def test_the_official_client_watches(api: Any, client: Client, namespace: str) -> None:
    core = kubernetes_client.CoreV1Api(api)
    (await client.create(path("deployments", namespace), deployment("web", 1))).ok()
    seen: list[tuple[str, str]] = []
    async with asyncio.timeout(30):
        async with kubernetes_watch.Watch().stream(core.list_namespaced_pod, namespace) as stream:
            async for event in stream:
                seen.append((event["type"], event["object"].status.phase))
                if event["object"].status.phase == "Running":
                    break
    assert seen[-1][1] == "Running"
    assert seen[0][0] == "ADDED"


async def test_the_official_client_handles_custom_objects(api: Any, thing: str, group: str, namespace: str) -> None:
    custom = kubernetes_client.CustomObjectsApi(api)
    body = thing_of(group, "a")
    await custom.create_namespaced_custom_object(group, "v1", namespace, "things", body)
    found = await custom.get_namespaced_custom_object(group, "v1", namespace, "things", "a")
    assert found["spec"]["mode"] == "A"
    status = {"status": {"phase": "Done"}}
    await custom.patch_namespaced_custom_object_status(group, "v1", namespace, "things", "a", status)
    listed = await custom.list_namespaced_custom_object(group, "v1", namespace, "things")
    assert listed["items"][0]["status"] == {"phase": "Done"}


async def test_the_official_client_holds_a_lease(api: Any, namespace: str) -> None:
    coordination = kubernetes_client.CoordinationV1Api(api)
    spec = kubernetes_client.V1LeaseSpec(holder_identity="me", lease_duration_seconds=15)
    body = kubernetes_client.V1Lease(metadata=kubernetes_client.V1ObjectMeta(name="l"), spec=spec)
    made = await coordination.create_namespaced_lease(namespace, body)
    made.spec.holder_identity = "you"
    kept = await coordination.replace_namespaced_lease("l", namespace, made)
    assert kept.spec.holder_identity == "you"
    with pytest.raises(kubernetes_client.ApiException) as refused:
        await coordination.replace_namespaced_lease("l", namespace, made)
    assert refused.value.status == 409


@pytest.fixture
def kubectl(request: pytest.FixtureRequest, kubeconfig: Path, namespace: str) -> Any:
    """Runs kubectl, from the PATH or of the real control plane, in the test's namespace; gives what it prints."""
    found = shutil.which("kubectl")
    command = (found,) if found else request.getfixturevalue("cluster").kubectl_command

    def run(*arguments: str, stdin: str | None = None) -> str:
        whole = [*command, "--kubeconfig", str(kubeconfig), "--namespace", namespace, *arguments]
        done = subprocess.run(whole, input=stdin, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: %d
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: none}]}
"""


async def test_kubectl_applies_scales_and_prints(kubectl: Any, client: Client, namespace: str) -> None:
    assert await asyncio.to_thread(kubectl, "apply", "-f", "-", stdin=MANIFEST % 1) == "deployment.apps/web created\n"
    assert (
        await asyncio.to_thread(kubectl, "apply", "-f", "-", stdin=MANIFEST % 1) == "deployment.apps/web unchanged\n"
    )
    assert (
        await asyncio.to_thread(kubectl, "apply", "-f", "-", stdin=MANIFEST % 2) == "deployment.apps/web configured\n"
    )
    await asyncio.to_thread(kubectl, "scale", "deployment/web", "--replicas=3")
    await asyncio.to_thread(kubectl, "rollout", "status", "deployment/web", "--timeout=30s")
    await asyncio.to_thread(kubectl, "wait", "--for=condition=Available", "deployment/web", "--timeout=30s")
    printed = (await asyncio.to_thread(kubectl, "get", "deployment", "web")).splitlines()
    assert printed[0].split() == ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]
    assert printed[1].split()[:4] == ["web", "3/3", "3", "3"]
    await asyncio.to_thread(kubectl, "label", "deployment/web", "a=b")
    assert (await client.get(path("deployments", namespace, "web"))).ok()["metadata"]["labels"] == {"a": "b"}
    described = await asyncio.to_thread(kubectl, "describe", "deployment", "web")
    assert "3 desired | 3 updated | 3 total | 3 available" in described
    await asyncio.to_thread(kubectl, "delete", "deployment", "web")
    assert (await client.get(path("deployments", namespace, "web"))).status == 404


async def test_kubectl_prints_custom_objects(kubectl: Any, client: Client, thing: str, group: str) -> None:
    (await client.create(thing, thing_of(group, "a", items=[{"key": "x"}]))).ok()
    printed = (await asyncio.to_thread(kubectl, "get", f"things.{group}", "-o", "wide")).splitlines()
    assert printed[0].split() == ["NAME", "CALLED", "ON", "REPLICAS", "READY", "KEYS", "AGE"]
    assert printed[1].split()[:4] == ["a", "abc", "true", "1"]


async def test_kubectl_applies_on_the_server_and_evicts(kubectl: Any, client: Client, namespace: str) -> None:
    apply = ("apply", "--server-side", "-f", "-")
    told = await asyncio.to_thread(kubectl, *apply, stdin=MANIFEST % 1)
    assert told == "deployment.apps/web serverside-applied\n"
    await asyncio.to_thread(kubectl, "scale", "deployment/web", "--replicas=2")
    with pytest.raises(AssertionError, match=r"conflict with \"kubectl\" with subresource \"scale\""):
        await asyncio.to_thread(kubectl, *apply, stdin=MANIFEST % 1)
    await asyncio.to_thread(kubectl, *apply, "--force-conflicts", stdin=MANIFEST % 3)
    await asyncio.to_thread(kubectl, "rollout", "status", "deployment/web", "--timeout=30s")
    assert (await client.get(path("deployments", namespace, "web"))).ok()["spec"]["replicas"] == 3
