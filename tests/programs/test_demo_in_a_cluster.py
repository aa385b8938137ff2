"""`scaler demo --kubeconfig` in a real cluster, which is as it was before once the demo is over, however it ends."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.controlplane.api import Object
from tests.controlplane.fixtures import start_plane
from tests.controlplane.plane import ControlPlane, Options
from tests.processes import Process, free_port, wait_until

ROOT = Path(__file__).parents[2]
KINDS = (
    "/api/v1/namespaces",
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "/apis/apiregistration.k8s.io/v1/apiservices",
)
WORKER = "/apis/apps/v1/namespaces/scaler-demo/deployments/worker"


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """A plane of its own: the demo takes the external metrics API of a cluster."""
    with start_plane(Options(hpa={"downscale-stabilization": "0s"})) as started:
        yield started


def command(plane: ControlPlane, *more: str) -> list[str]:
    page = ("--page-address", f"127.0.0.1:{free_port()}")
    return [sys.executable, "-m", "scaler.programs.cli", "demo", "--kubeconfig", str(plane.kubeconfig), *page, *more]


def standing(plane: ControlPlane) -> set[str]:
    """All that there is of what a demo makes, by path and name; the API server's own APIServices come and go by themselves."""
    return {f"{kind}/{one['metadata']['name']}" for kind in KINDS for one in plane.api.get(kind)["items"]}


def test_a_day_is_played_by_a_real_hpa_controller_and_nothing_stays(plane: ControlPlane, tmp_path: Path) -> None:
    before, summary = standing(plane), tmp_path / "summary.json"
    files = ("--summary-file", str(summary), "--log-file", str(tmp_path / "log"))
    done = subprocess.run(
        command(plane, "--yes", "--minutes", "0.8", *files), cwd=ROOT, capture_output=True, text=True, timeout=400
    )
    assert done.returncode == 0, done.stdout + done.stderr + (tmp_path / "log").read_text()[-4000:]
    said = " ".join(done.stdout.split())
    for made in ("namespace scaler-demo:", "v1beta1.external.metrics.k8s.io", "scaledobjects.keda.sh"):
        assert made in said
    assert said.index("namespace scaler-demo:") < said.index("live page")
    told = json.loads(summary.read_text())
    assert told["most"] > 1
    assert {"activate", "deactivate"} <= set(told["decisions"])
    assert told["fewest_while_unreadable"] > 0
    assert standing(plane) == before


@pytest.mark.parametrize("moment", ["while it is set up", "while it plays"])
def test_ctrl_c_takes_everything_away(plane: ControlPlane, tmp_path: Path, moment: str) -> None:
    before = standing(plane)
    with Process(command(plane, "--yes", "--minutes", "5"), tmp_path / "demo.log", {"PYTHONPATH": str(ROOT)}) as demo:
        sign = "/api/v1/namespaces/scaler-demo" if moment == "while it is set up" else WORKER
        wait_until(lambda: (demo.check(), plane.api.found(sign))[1], f"{sign}: {demo.tail()}", 120)
        if moment == "while it plays":
            wait_until(lambda: replicas(plane.api.found(WORKER)), f"the first replicas: {demo.tail()}", 120)
        demo.signal(signal.SIGINT)
        assert demo.wait(120) == 0, demo.tail()
    assert "left behind" not in demo.tail(20_000)
    assert standing(plane) == before


def replicas(worker: Object | None) -> int:
    return int((worker or {}).get("spec", {}).get("replicas") or 0)


def test_definitions_that_were_there_stay(plane: ControlPlane, tmp_path: Path) -> None:
    for definition in (ROOT / "crds").glob("keda.sh_*.yaml"):
        plane.apply(definition)
    before = standing(plane)
    with Process(command(plane, "--yes"), tmp_path / "demo.log", {"PYTHONPATH": str(ROOT)}) as demo:
        wait_until(lambda: (demo.check(), plane.api.found(WORKER))[1], f"{WORKER}: {demo.tail()}", 120)
        demo.signal(signal.SIGINT)
        assert demo.wait(120) == 0, demo.tail()
        assert "the definitions are there, and stay" in demo.tail(20_000)
    assert standing(plane) == before


def test_what_is_there_already_is_never_touched(plane: ControlPlane) -> None:
    plane.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: scaler-demo, labels: {whose: ours}}\n")
    before = standing(plane)
    done = subprocess.run(command(plane, "--yes"), cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 3
    assert "nothing was made" in done.stderr
    assert re.search(r"namespaces/scaler-demo is there already: .* or choose another --namespace", done.stderr)
    assert standing(plane) == before
    assert plane.api.get("/api/v1/namespaces/scaler-demo")["metadata"]["labels"]["whose"] == "ours"
    plane.api.delete("/api/v1/namespaces/scaler-demo")
    wait_until(lambda: plane.api.found("/api/v1/namespaces/scaler-demo") is None, "the namespace to go", 60)


def test_without_a_yes_nothing_is_made(plane: ControlPlane) -> None:
    before = standing(plane)
    done = subprocess.run(
        command(plane), cwd=ROOT, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 2
    assert "namespace scaler-demo" in done.stdout
    assert "say --yes" in done.stderr
    assert standing(plane) == before
