"""Recommending only: with the rights of the component, beside a live KEDA, everything is judged and nothing is written."""

import shutil
import subprocess
import time
from collections.abc import Iterator

import pytest
import yaml

from tests.absence import unavailable
from tests.controlplane.api import Object
from tests.controlplane.plane import ControlPlane
from tests.e2e.installation import EXPLAINED, NAMESPACE, ROOT, Installation
from tests.e2e.source import Source
from tests.e2e.stage import WRITING, Stage, Theatre, trigger
from tests.e2e.test_rivals import keda, live_operator
from tests.e2e.watching import Watcher
from tests.processes import temporary_folder
from tests.servers.aws import Aws

__all__ = ["keda"]  # a fixture

ACCOUNT = "scaler-observer"
REVIEWS = {"subjectaccessreviews", "tokenreviews"}
OBSERVER = f"system:serviceaccount:{NAMESPACE}:{ACCOUNT}"


@pytest.fixture(scope="module")
def observer(plane: ControlPlane) -> Iterator[str]:
    """A ServiceAccount with the component's roles and no other; its kubeconfig."""
    made = [plane.apply(one) and one for one in rights()]
    yield str(plane.service_account_kubeconfig(NAMESPACE, ACCOUNT))
    for one in made:
        plane.api.delete(plane.api.path_of(one))


def rights() -> Iterator[Object]:
    """What the component gives the operator, given to somebody else under other names."""
    yield {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT, "namespace": NAMESPACE}}
    for one in built():
        if one["kind"].endswith("RoleBinding") or one["kind"] in {"Role", "ClusterRole"}:
            metadata = {**one["metadata"], "name": f"{one['metadata']['name']}-observed"}
            moved = {**one, "metadata": metadata}
            if "roleRef" in one:
                if one["roleRef"]["name"].startswith("scaler-"):
                    moved["roleRef"] = {**one["roleRef"], "name": f"{one['roleRef']['name']}-observed"}
                moved["subjects"] = [{"kind": "ServiceAccount", "name": ACCOUNT, "namespace": NAMESPACE}]
            if "operator" in one["metadata"]["name"]:
                yield moved


def built() -> list[Object]:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        unavailable("kubectl is not on the PATH: it builds kustomizations")
    folder = temporary_folder("scaler-component")
    shutil.copytree(ROOT / "deploy", folder / "deploy")
    wanted = {"resources": ["deploy"], "components": ["deploy/components/recommendation-only"]}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(wanted))
    made = subprocess.run([kubectl, "kustomize", str(folder)], capture_output=True, text=True, check=True)
    return list(yaml.safe_load_all(made.stdout))


@pytest.fixture(scope="module")
def theatre(bare_installation: Installation, watcher: Watcher, http_source: Source, aws_server: Aws) -> Theatre:
    return Theatre(bare_installation, watcher, http_source, aws_server)


@pytest.fixture
def stage(theatre: Theatre, observer: str, keda: str) -> Iterator[Stage]:
    installation = theatre.installation
    port = f"--metrics-service-bind-address=127.0.0.1:{installation.secure_port}"
    installation.operator("--recommendation-only", port, name="observer", KUBECONFIG=observer)
    # As the component has it; an operator that leads puts its authority there again.
    installation.plane.api.patch(EXPLAINED, {"spec": {"insecureSkipTLSVerify": True, "caBundle": None}})
    with live_operator(installation.plane), Stage(theatre) as own:
        installation.wait_leader("observer")
        yield own


@pytest.mark.slow
def test_everything_is_judged_and_explained_and_nothing_is_written_but_the_lease(stage: Stage) -> None:
    begin = time.time()
    stage.deployment(replicas=0)
    stage.deployment("busy", replicas=2)
    load = stage.source(value=15)
    stage.scaled_object(trigger(load, 5), pollingInterval=1)
    stage.scaled_object(trigger(load, 5), name="busy", pollingInterval=1, minReplicaCount=1)

    stage.until(lambda: "activate" in explained(stage, "web"), "the operator to explain web")
    stage.until(lambda: "asks for 3" in explained(stage, "busy"), "the operator to explain busy")
    assert "nothing is carried out" in explained(stage, "web")

    stage.wait(3)
    for name, replicas in (("web", 0), ("busy", 2)):
        scaled = stage.scaled(name) or {}
        assert stage.replica_history(name) == [replicas]
        assert "status" not in scaled
        assert not scaled["metadata"].get("finalizers")
        assert not scaled["metadata"].get("labels")
        assert stage.hpa(f"keda-hpa-{name}") is None
        assert stage.reasons(name) == []
    assert written(stage, begin) == {"leases"}
    assert stage.installation.leader == "observer"


def explained(stage: Stage, name: str) -> str:
    told = stage.installation.scaler("explain", f"so/{name}", "-n", stage.namespace)
    return told.stdout if told.returncode == 0 else ""


def written(stage: Stage, begin: float) -> set[str]:
    """The resources that the observer wrote, or tried to write; reviews of who somebody is write nothing."""
    asked = stage.plane.writes(user__username=OBSERVER)
    return {one["objectRef"]["resource"] for one in asked if one["verb"] in WRITING} - REVIEWS
