"""One namespace is taken over from a live KEDA and given back: every object is semantically what it was.

The control plane, the HPA controller and our programs are real, with the rights of deploy/components/beside-upstream;
KEDA is its Deployment and a server of external metrics that does what its adapter does.
"""

import functools
import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.controlplane.api import Object, Refused
from tests.controlplane.fixtures import start_plane
from tests.controlplane.plane import ControlPlane, Options
from tests.e2e.installation import _ENVIRONMENT, EXPLAINED, NAMESPACE, OPERATOR, ROOT, SCALER, Installation, _served
from tests.e2e.source import Source
from tests.e2e.stage import DEPLOYMENTS, HPAS, SCALED_OBJECTS, WRITING, Stage, Theatre, trigger
from tests.e2e.upstream import APISERVICE, DEPLOYMENT, VALUE, VPA, Keda, hpa, vpa
from tests.e2e.watching import Watcher
from tests.processes import Process, free_port, temporary_folder, wait_until
from tests.servers.aws import Aws

RECORD = f"/api/v1/namespaces/{NAMESPACE}/configmaps/scaler-takeover"
METRIC = "s0-metric-api-value"
VPAS = "/apis/apps/v1/namespaces/kube-system/deployments/vpa-"


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """A plane of its own: its external metrics are KEDA's at first."""
    with start_plane(Options(audit=True, hpa={"downscale-stabilization": "0s"})) as started:
        started.kubectl("apply", "--server-side", "-f", str(ROOT / "crds"))
        for kind in ("scaledobjects", "triggerauthentications", "clustertriggerauthentications"):
            path = f"/apis/keda.sh/v1alpha1/{kind}"
            wait_until(functools.partial(_served, started, path), f"{path} to be served")
        yield started


@pytest.fixture(scope="module")
def keda(plane: ControlPlane) -> Iterator[Keda]:
    """And a VPA, which is nothing but its Deployments."""
    for part in VPA:
        plane.apply(vpa(part))
    with Keda(plane) as live:
        yield live


@pytest.fixture(scope="module")
def secure_port(plane: ControlPlane, keda: Keda) -> int:
    """Scaler installed beside it, as its component says, with its Service leading to this machine."""
    wanted = {"resources": ["deploy"], "components": ["deploy/components/beside-upstream"]}
    folder = temporary_folder("scaler-beside")
    (folder / "deploy").symlink_to(ROOT / "deploy")
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(wanted))
    made = plane.kubectl("kustomize", "--load-restrictor=LoadRestrictionsNone", str(folder))
    services = [one["metadata"]["name"] for one in yaml.safe_load_all(made) if one["kind"] == "APIService"]
    assert APISERVICE.rpartition("/")[2] not in services
    plane.kubectl("apply", "-f", "-", stdin=made)
    port = free_port()
    path = f"/api/v1/namespaces/{NAMESPACE}/services"
    plane.api.delete(f"{path}/scaler-metrics")
    from tests.controlplane.cluster import service_to_loopback

    plane.api.create(path, service_to_loopback("scaler-metrics", NAMESPACE, port))
    plane.api.patch(EXPLAINED, {"spec": {"service": {"port": port}}})
    return port


@pytest.fixture(scope="module")
def watcher(plane: ControlPlane) -> Iterator[Watcher]:
    from tests.e2e.stage import WATCHED

    with Watcher(plane.api, WATCHED) as watching:
        yield watching


@pytest.fixture(scope="module")
def theatre(bare_installation: Installation, watcher: Watcher, http_source: Source, aws_server: Aws) -> Theatre:
    bare_installation.operator("--beside-upstream")
    bare_installation.metrics()
    bare_installation.wait_leader()
    return Theatre(bare_installation, watcher, http_source, aws_server)


class Scene(Stage):
    """A namespace in which KEDA has been at work."""

    def under_keda(self, value: float = 0) -> Any:
        self.deployment(replicas=1)
        load = self.source(value=value)
        self.scaled_object(trigger(load, 5), pollingInterval=1, cooldownPeriod=2)
        path = f"{self.within(SCALED_OBJECTS)}/web"
        patch = {"metadata": {"finalizers": ["finalizer.keda.sh"], "labels": {"scaledobject.keda.sh/name": "web"}}}
        self.api.patch(path, patch)
        self.apply(hpa(self.api.get(path), 5))
        return load

    def objects(self) -> dict[str, Object]:
        """Everything that a takeover touches or might, without what the API server and controllers write."""
        found = {
            path: self.api.found(path)
            for path in (
                DEPLOYMENT,
                APISERVICE,
                RECORD,
                *(f"{VPAS}{part}" for part in VPA),
                f"{self.within(SCALED_OBJECTS)}/web",
                f"{self.within(HPAS)}/keda-hpa-web",
                f"{self.within(DEPLOYMENTS)}/web",
            )
        }
        return {path: semantic(body) for path, body in found.items() if body is not None}

    def call(self, command: str, *flags: str, **environment: str) -> subprocess.CompletedProcess[str]:
        own = {**os.environ, **_ENVIRONMENT, "KUBECONFIG": str(self.plane.kubeconfig), **environment}
        arguments = [*SCALER, command, self.namespace, *flags]
        return subprocess.run(arguments, capture_output=True, text=True, check=False, env=own, timeout=150)

    def metric(self) -> int | str:
        """What the HPA controller is told, by the API server; its words where it is told nothing."""
        try:
            told = self.installation.metric(self.namespace, "web", METRIC)
        except Refused as refused:
            return refused.message
        return int(told["items"][0]["value"])


def semantic(body: Object) -> Object:
    meta = {
        name: value
        for name, value in body["metadata"].items()
        if name not in {"resourceVersion", "managedFields", "generation"}
    }
    if meta.get("annotations"):
        meta["annotations"] = {
            name: value
            for name, value in meta["annotations"].items()
            if not name.startswith("deployment.kubernetes.io")
        }
    kept = {name: value for name, value in body.items() if name not in {"metadata", "status"}}
    if isinstance(kept.get("spec"), dict) and body.get("kind") == "Deployment" and meta["name"] == "web":
        kept["spec"] = {name: value for name, value in kept["spec"].items() if name != "replicas"}
    return {"metadata": meta, **kept}


@pytest.fixture
def scene(theatre: Theatre) -> Iterator[Scene]:
    with Scene(theatre, "shop") as own:
        yield own


def ours(scene: Stage) -> list[str]:
    """What our operator wrote that is not its own."""
    return [
        f"{one['verb']} {one['requestURI']}"
        for one in scene.plane.writes(user__username=OPERATOR)
        if one["verb"] in WRITING
        and "/namespaces/kube-scaler/" not in one["requestURI"]
        and not one["requestURI"].endswith(".explain.kube-scaler.dev")  # our own APIService
    ]


@pytest.mark.slow
def test_a_namespace_is_taken_over_and_given_back_with_every_object_as_it_was(scene: Scene, keda: Keda) -> None:
    scene.under_keda()
    with Scene(scene._theatre, "mail") as mail:
        mail.under_keda()
        scene.until(lambda: scene.metric() == mail.metric() == VALUE, "KEDA to answer for both")
        before, before_mail = scene.objects(), mail.objects()
        assert ours(scene) == []

        shown = scene.call("takeover", "--dry-run")
        assert shown.returncode == 0, shown.stderr
        assert f"Takeover of namespace {scene.namespace}" in shown.stdout
        assert "Deployment keda/keda-operator" in shown.stdout
        assert "- empty" in shown.stdout
        assert "+ --enable-apiservice-patching=false" in shown.stdout
        assert scene.call("takeover").returncode == 2, "nobody was asked"
        assert scene.objects() == before

        took = scene.call("takeover", "--yes")
        assert took.returncode == 0, took.stdout + took.stderr
        assert scene.namespace not in keda.watched()
        assert {mail.namespace, "default", NAMESPACE} <= set(keda.watched())
        for part in VPA:
            (container,) = scene.api.get(f"{VPAS}{part}")["spec"]["template"]["spec"]["containers"]
            assert container["args"] == [f"--ignored-vpa-object-namespaces={scene.namespace}"]
        assert json.loads(scene.api.get(RECORD)["data"]["record"])["sized"] == [scene.namespace]
        scene.until(lambda: scene.metric() == 0, "our own answer for the namespace that is ours")
        assert mail.metric() == VALUE
        assert f"system:serviceaccount:{NAMESPACE}:scaler-metrics" in keda.askers
        scene.until_ready()
        load = scene.source(value=None)
        load.says(15)
        scene.until_replicas(3)
        assert scene.hpa()["metadata"]["uid"] == before[f"{scene.within(HPAS)}/keda-hpa-web"]["metadata"]["uid"]  # type: ignore[index]
        assert mail.objects()[f"{mail.within(HPAS)}/keda-hpa-web"] == before_mail[f"{mail.within(HPAS)}/keda-hpa-web"]

        again = scene.call("takeover", "--yes")
        assert (again.returncode, "nothing is to be done" in again.stderr) == (0, True)

        gave = scene.call("rollback", "--yes")
        assert gave.returncode == 0, gave.stdout + gave.stderr
        assert scene.objects() == before
        assert mail.objects() == before_mail
        scene.until(lambda: scene.metric() == mail.metric() == VALUE, "KEDA to answer for both again")
        assert all(mail.namespace not in write for write in ours(scene))
        count = len(ours(scene))
        scene.wait(4)
        assert len(ours(scene)) == count


@pytest.mark.slow
def test_a_takeover_that_is_killed_half_way_says_so_and_is_undone_or_resumed(scene: Scene, keda: Keda) -> None:
    scene.under_keda()
    before = scene.objects()
    pinned = {"spec": {"template": {"spec": {"nodeSelector": {"no": "such-node"}}}}}

    def killed() -> str:
        """KEDA's new pod finds no node, so that its rollout does not end; the takeover is killed meanwhile."""
        scene.api.patch(DEPLOYMENT, pinned)
        log = temporary_folder("scaler-takeover") / "takeover.log"
        process = Process(
            [*SCALER, "takeover", scene.namespace, "--yes"],
            log,
            {**_ENVIRONMENT, "KUBECONFIG": str(scene.plane.kubeconfig)},
        )
        scene.until(keda.watched, "KEDA to be told", 60)
        process.kill()
        scene.api.patch(DEPLOYMENT, {"spec": {"template": {"spec": {"nodeSelector": None}}}})
        return process.tail()

    assert "is ours" not in killed()
    record = json.loads(scene.api.get(RECORD)["data"]["record"])
    assert (record["wanted"], record["served"]) == ([scene.namespace], [])
    undone = scene.call("rollback", "--yes")
    assert undone.returncode == 0, undone.stdout + undone.stderr
    assert f"Undo takeover of namespace {scene.namespace}" in undone.stdout
    assert scene.objects() == before

    killed()
    resumed = scene.call("takeover", "--yes")
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert f"Resume takeover of namespace {scene.namespace}" in resumed.stdout
    scene.until(lambda: scene.metric() == 0, "our own answer")
    assert scene.call("rollback", "--yes").returncode == 0
    assert scene.objects() == before


@pytest.mark.slow
def test_without_the_rights_nothing_is_changed_and_every_missing_one_is_named(scene: Scene, keda: Keda) -> None:
    scene.under_keda()
    before = scene.objects()
    nobody = scene.plane.client_cert("nobody", [])
    refused = scene.call("takeover", "--yes", KUBECONFIG=str(nobody))
    assert refused.returncode == 3
    assert "nothing was changed" in refused.stderr
    for right in ("list deployments.apps", "get apiservices.apiregistration.k8s.io/v1beta1.external.metrics.k8s.io"):
        assert right in refused.stderr
    assert scene.objects() == before


@pytest.mark.slow
def test_what_we_could_not_serve_is_refused_before_anything_changes(scene: Scene, keda: Keda) -> None:
    scene.under_keda()
    scene.deployment("other")
    scene.scaled_object({"type": "kafka", "metadata": {"topic": "x"}}, name="other")
    before = scene.objects()
    refused = scene.call("takeover", "--yes")
    assert refused.returncode == 1
    assert "scaledobject/other" in refused.stderr
    assert "kafka" in refused.stderr
    assert scene.objects() == before
    unknown = scene.call("rollback", "--yes")
    assert unknown.returncode == 1
    assert "was not taken over; taken over are: none" in unknown.stderr
