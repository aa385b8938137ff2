"""Which objects an operator serves, and with which rights."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.controlplane.plane import ControlPlane
from tests.e2e.installation import METRICS, OPERATOR, ROOT, Installation
from tests.e2e.source import Source
from tests.e2e.stage import Stage, Theatre, trigger
from tests.e2e.watching import Watcher
from tests.processes import temporary_folder
from tests.servers.aws import Aws

COMPONENT = ROOT / "deploy/components/namespaced"
QUICK = {"pollingInterval": 1, "cooldownPeriod": 1}


@pytest.fixture(scope="module")
def theatre(bare_installation: Installation, watcher: Watcher, http_source: Source, aws_server: Aws) -> Theatre:
    return Theatre(bare_installation, watcher, http_source, aws_server)


@pytest.fixture
def two(theatre: Theatre) -> Iterator[tuple[Stage, Stage]]:
    with Stage(theatre) as served, Stage(theatre) as left:
        yield served, left
        for program in theatre.installation.programs:
            program.process.kill()


@pytest.fixture
def namespaced(plane: ControlPlane, two: tuple[Stage, Stage]) -> Iterator[str]:
    """The component's rights for the first namespace, instead of those of the whole cluster."""
    served = two[0].namespace
    deleted = [
        document
        for patch in yaml.safe_load((COMPONENT / "kustomization.yaml").read_text())["patches"]
        if (document := yaml.safe_load(patch["patch"])).get("$patch") == "delete"
    ]
    assert deleted
    bindings = [
        {**one, "metadata": {**one["metadata"], "namespace": served}}
        for one in yaml.safe_load_all((COMPONENT / "bindings.yaml").read_text())
    ]
    for one in bindings:
        plane.apply(one)
    taken = {path: plane.api.get(path) for path in (plane.api.path_of(one) for one in deleted)}
    for path in taken:
        plane.api.delete(path)
    yield served
    for binding in taken.values():
        kept = {key: binding["metadata"][key] for key in ("name", "labels")}
        plane.api.create(CLUSTER_BINDINGS, {**binding, "metadata": kept})


CLUSTER_BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"


@pytest.mark.slow
def test_watch_namespace_serves_that_namespace_with_rights_in_it_alone(
    two: tuple[Stage, Stage], namespaced: str
) -> None:
    served, left = two
    installation = served.installation
    begin = len(refused(installation))
    installation.operator(name="namespaced", WATCH_NAMESPACE=namespaced)
    installation.metrics()
    installation.wait_leader("namespaced")
    installation.wait_serving()
    for stage in two:
        stage.deployment()
        stage.scaled_object(trigger(stage.source(value=15), 5), **QUICK)
    served.until_replicas(3)
    assert served.condition("Ready") == ("True", "ScaledObjectReady")
    left.stays(0, 3)
    assert left.status() == {}
    assert refused(installation)[begin:] == []


@pytest.mark.slow
def test_label_selectors_divide_the_objects_among_operators(two: tuple[Stage, Stage]) -> None:
    stage, _ = two
    installation = stage.installation
    for team in ("red", "blue"):
        installation.operator(
            f"--leader-election-id=scaler-operator-{team}"
            if team == "blue"
            else "--leader-election-id=scaler-operator",
            "--leader-elect=false",
            name=team,
            WATCH_LABEL_SELECTOR=f"team={team}",
        )
    for team in ("red", "blue", "grey"):
        stage.deployment(team)
        stage.scaled_object(
            trigger(stage.source(team, 10), 5), name=team, labels={"team": team}, minReplicaCount=1, **QUICK
        )
    for team in ("red", "blue"):
        stage.until_replicas(1, team)
        stage.until_ready(team)
    stage.stays(0, 3, "grey")
    assert stage.status("grey") == {}
    said = {program.name: program.said(stage.namespace) for program in installation.programs}
    assert not [line for line in said["red"] if "blue" in str(line)]
    assert not [line for line in said["blue"] if "red" in str(line)]


@pytest.mark.slow
def test_label_selectors_choose_authentications_too(two: tuple[Stage, Stage]) -> None:
    stage, _ = two
    stage.installation.operator("--leader-elect=false", name="picky", WATCH_LABEL_SELECTOR_FOR_TRIGGERAUTH="team=red")
    for team in ("red", "blue"):
        stage.apply(
            {
                "apiVersion": "keda.sh/v1alpha1",
                "kind": "TriggerAuthentication",
                "metadata": {"name": team, "labels": {"team": team}},
                "spec": {"secretTargetRef": [{"parameter": "token", "name": "none", "key": "none"}]},
            }
        )
    paths = {
        team: stage.within("/apis/keda.sh/v1alpha1/triggerauthentications") + f"/{team}" for team in ("red", "blue")
    }
    stage.until(lambda: stage.api.get(paths["red"])["metadata"].get("finalizers"), "the finalizer of red")
    assert "finalizers" not in stage.api.get(paths["blue"])["metadata"]


def refused(installation: Installation) -> list[str]:
    """What the API server has forbidden our users so far."""
    return [
        f"{event['user']['username']} {event['verb']} {event['requestURI']}"
        for user in (OPERATOR, METRICS)
        for event in installation.plane.writes(user__username=user, responseStatus__code=403)
    ]


@pytest.mark.slow
def test_the_manifests_can_be_rendered_with_the_component(plane: ControlPlane) -> None:
    """As deploy/README.md says: a kustomization of one's own on top."""
    folder = temporary_folder("scaler-kustomization")
    up = Path(*[".."] * len(folder.resolve().parts[1:]))
    own = {
        "resources": [str(up / (ROOT / "deploy").relative_to("/"))],
        "components": [str(up / COMPONENT.relative_to("/"))],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(own))
    made = list(yaml.safe_load_all(plane.kubectl("kustomize", str(folder))))
    bound = {(one["kind"], one["metadata"]["name"]) for one in made if one["kind"].endswith("Binding")}
    assert ("RoleBinding", "scaler-operator") in bound
    assert ("ClusterRoleBinding", "scaler-operator") not in bound
