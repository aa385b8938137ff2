"""`scaler explain` against servers that answer: an embedded cluster, and one that hands an explanation on."""

import asyncio
import json
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from aiohttp import web
from click.testing import CliRunner, Result

from scaler.horizontal.explain import explain
from scaler.programs import cli
from scaler.serving.explanations import document
from scaler.sim.cluster import EmbeddedCluster
from tests.horizontal.objects import NOW, judge, read, subject, trigger

CRDS = Path(__file__).parent.parent.parent / "crds"
JUDGED = subject(trigger(0))
EXPLANATION = document(explain(judge(JUDGED, read(33, 0), replicas=7), JUDGED, NOW))
PATHS = "/apis/explain.kube-scaler.dev/v1alpha1/namespaces/{}/explanations/{}"
OBJECTS = """
apiVersion: v1
kind: Namespace
metadata: {name: kube-scaler}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: x}]}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: worker}
spec:
  scaleTargetRef: {name: web}
  triggers: [{type: cron, metadata: {}}]
"""


class Background:
    """A loop in a thread of its own, for servers beside a program that has a loop itself."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def do(self, work: Awaitable[Any]) -> Any:
        async def wait() -> Any:
            return await work

        return asyncio.run_coroutine_threadsafe(wait(), self.loop).result(60)

    def end(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


@pytest.fixture(scope="module")
def background() -> Iterator[Background]:
    made = Background()
    yield made
    made.end()


@pytest.fixture(scope="module")
def cluster(background: Background) -> Iterator[EmbeddedCluster]:
    made = EmbeddedCluster()
    background.do(made.__aenter__())
    for definition in sorted(CRDS.iterdir()):
        background.do(made.apply(definition.read_text()))
    background.do(made.apply(OBJECTS))
    yield made
    background.do(made.__aexit__(None, None, None))


Serve = Callable[..., str]


@pytest.fixture
def serve(background: Background) -> Iterator[Serve]:
    runners: list[web.AppRunner] = []

    async def start(answers: dict[str, Any], tls: ssl.SSLContext | None) -> str:
        async def answer(request: web.Request) -> web.Response:
            body = answers.get(request.path)
            if body is None:
                raise web.HTTPNotFound(text="404 page not found")
            if isinstance(body, dict):
                return web.json_response(body, status=body["code"])
            return web.Response(body=body, content_type="application/json")

        app = web.Application()
        app.router.add_get("/{any:.*}", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        runners.append(runner)
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        return f"127.0.0.1:{runner.addresses[0][1]}"

    yield lambda answers, tls=None: background.do(start(answers, tls))
    for runner in runners:
        background.do(runner.cleanup())


@pytest.fixture
def kubeconfig(cluster: EmbeddedCluster, tmp_path: Path) -> Path:
    return cluster.write_kubeconfig(tmp_path / "kubeconfig")


def explained(*words: str, kubeconfig: Path | None = None) -> Result:
    options = [] if kubeconfig is None else ["--kubeconfig", str(kubeconfig)]
    return CliRunner().invoke(cli.cli, ["explain", *words, *options], prog_name="scaler")


def scaled(name: str = "web") -> dict[str, bytes]:
    """A server with one ScaledObject."""
    body = msgspec.json.encode({"metadata": {"name": name, "namespace": "shop"}})
    return {f"/apis/keda.sh/v1alpha1/namespaces/shop/scaledobjects/{name}": body}


def config(server: str, folder: Path) -> Path:
    """A kubeconfig for a server that lets everybody in."""
    context = {"name": "c", "context": {"cluster": "c", "user": "u", "namespace": "shop"}}
    made = {
        "current-context": "c",
        "contexts": [context],
        "clusters": [{"name": "c", "cluster": {"server": f"http://{server}"}}],
        "users": [{"name": "u", "user": {}}],
    }
    (folder / "config").write_text(yaml.safe_dump(made))
    return folder / "config"


def test_the_operator_is_asked_through_the_api_server_with_a_kubeconfig_alone(serve: Serve, tmp_path: Path) -> None:
    server = serve({**scaled(), PATHS.format("shop", "web"): EXPLANATION})
    result = explained("so/web", kubeconfig=config(server, tmp_path))
    assert result.exit_code == 0, result.output
    first, second, *_ = result.stdout.splitlines()
    assert (
        first == "web runs 7, because trigger 0 (aws-sqs-queue) asks for 7: 33 / 5 each is 6.6, and 7 is near enough."
    )
    assert second.startswith("Nothing blocks. It would change: ")
    assert "s0-queue: 33 / 5 = 7" in result.stdout
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize(("form", "load"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_a_script_gets_the_whole_value(form: str, load: Callable[[str], Any], serve: Serve, tmp_path: Path) -> None:
    server = serve({**scaled(), PATHS.format("shop", "web"): EXPLANATION})
    result = explained("so/web", "-n", "shop", "-o", form, kubeconfig=config(server, tmp_path))
    told = load(result.stdout)
    assert (told["source"], told["hpa"]["asked"], told["decision"]["rule"]) == ("operator", 7, "active")


def test_an_operator_that_does_not_know_the_object_is_quoted(serve: Serve, tmp_path: Path) -> None:
    words = "ScaledObject shop/web has not been checked yet, or is paused"
    said = {"kind": "Status", "code": 404, "reason": "NotFound", "message": words}
    server = serve({**scaled(), PATHS.format("shop", "web"): said})
    result = explained("so/web", kubeconfig=config(server, tmp_path))
    assert result.exit_code == 0, result.output
    assert f"because the operator gave no explanation: {words}" in " ".join(result.stdout.split())


def test_where_nobody_serves_explanations_the_cluster_is_told_and_said_to_be(kubeconfig: Path) -> None:
    result = explained("deploy/web", kubeconfig=kubeconfig)
    assert result.exit_code == 0, result.output
    first, second, *_ = result.stdout.splitlines()
    assert first == "web runs 3: no operator has looked at worker yet."
    assert second.startswith(
        "This is put together from the cluster alone, because the operator gave no explanation: "
    )
    assert "this API server does not serve explain.kube-scaler.dev/v1alpha1: apply deploy/" in second


def test_a_reconstruction_is_marked_for_scripts(kubeconfig: Path) -> None:
    result = explained("so/worker", "-o", "json", kubeconfig=kubeconfig)
    told = json.loads(result.stdout)
    assert (told["source"], told["name"], told["target"], told["maximum"]) == ("cluster", "worker", "web", 100)


def test_an_object_that_is_not_there_ends_with_1_and_names_what_is(kubeconfig: Path) -> None:
    result = explained("so/worke", kubeconfig=kubeconfig)
    assert result.exit_code == 1
    assert "no such ScaledObject in namespace default: did you mean so/worker?" in result.stderr


def test_a_kubeconfig_that_is_not_there_ends_with_1(tmp_path: Path) -> None:
    result = explained("so/worker", kubeconfig=tmp_path / "nope")
    assert result.exit_code == 1
    assert "no such file" in result.stderr


def test_a_cluster_that_does_not_answer_ends_with_3(tmp_path: Path) -> None:
    result = explained("so/worker", "--timeout", "1s", kubeconfig=config("127.0.0.1:9", tmp_path))
    assert result.exit_code == 3
    assert "the API server said no" in result.stderr
