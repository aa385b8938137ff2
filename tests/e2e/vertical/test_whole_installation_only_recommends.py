"""The whole installation with the rights of the component recommendation-only: statuses, checkpoints and Leases are all."""

from collections.abc import Iterator

import pytest

from tests.controlplane.api import Object
from tests.controlplane.metrics import MetricsServer
from tests.controlplane.plane import ControlPlane
from tests.e2e.installation import EXPLAINED, NAMESPACE, Installation
from tests.e2e.stage import WRITING
from tests.e2e.test_recommendation_only import REVIEWS, built
from tests.e2e.vertical.conftest import QUICK, Place
from tests.e2e.vertical.test_journey import MEMORY, SMALL, living, requests, uids, uses
from tests.processes import wait_until

PARTS = ("operator", "recommender", "updater")
SCALED_OBJECT = """
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: always}
spec:
  scaleTargetRef: {name: always}
  triggers:
    - type: cron
      metadata: {timezone: UTC, start: 0 0 1 1 *, end: 59 23 31 12 *, desiredReplicas: "3"}
"""


def rights(part: str) -> Iterator[Object]:
    """What the component gives one program, given to an account of its own."""
    account = f"observing-{part}"
    yield {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account, "namespace": NAMESPACE}}
    for one in built():
        named = one["metadata"]["name"]
        if part not in named or one["kind"] not in {"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"}:
            continue
        moved = {**one, "metadata": {**one["metadata"], "name": f"observing-{named}"}}
        if "roleRef" in one:
            shared = part not in one["roleRef"]["name"]
            name = one["roleRef"]["name"] if shared else f"observing-{one['roleRef']['name']}"
            moved["roleRef"] = {**one["roleRef"], "name": name}
            moved["subjects"] = [{"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}]
        yield moved


@pytest.fixture
def observers(plane: ControlPlane) -> Iterator[dict[str, str]]:
    """A kubeconfig a program."""
    made = [one for part in PARTS for one in rights(part)]
    for one in made:
        plane.apply(one)
    yield {part: str(plane.service_account_kubeconfig(NAMESPACE, f"observing-{part}")) for part in PARTS}
    for one in made:
        plane.api.delete(plane.api.path_of(one))


@pytest.fixture
def installed(plane: ControlPlane, secure_port: int, observers: dict[str, str]) -> Iterator[Installation]:
    with Installation(plane, secure_port) as only:
        flag = "--recommendation-only"
        explaining = f"--metrics-service-bind-address=127.0.0.1:{secure_port}"
        only.operator(flag, explaining, name="only-operator", KUBECONFIG=observers["operator"])
        # as the component has it; an operator that leads puts its authority there again
        plane.api.patch(EXPLAINED, {"spec": {"insecureSkipTLSVerify": True, "caBundle": None}})
        only.recommender(*QUICK, flag, name="only-recommender", KUBECONFIG=observers["recommender"])
        awake = "--use-admission-controller-status=false"
        only.updater("--updater-interval=300ms", flag, awake, name="only-updater", KUBECONFIG=observers["updater"])
        only.wait_leader("only-operator")
        for program in only.programs[1:]:
            program.wait_ready()
        yield only


@pytest.mark.slow
def test_it_recommends_and_writes_nothing_else(
    plane: ControlPlane, usage: MetricsServer, installed: Installation
) -> None:
    usage.forget()
    updater = installed.programs[-1]
    with Place(plane, usage, installed) as place:
        uses(place)
        place.deployment(replicas=2, containers=SMALL)
        place.deployment("always", 1, containers=SMALL)
        before = uids(living(place))
        plane.apply(SCALED_OBJECT, place.namespace)
        place.vpa(mode="Recreate")
        place.until_recommended(cpu=126, memory=MEMORY)
        place.until_checkpoint(1)
        wait_until(lambda: updater.said("would evict pod", place.namespace), "the updater to say it", 30)
        explained = "scaledobject/always", "-n", place.namespace
        said = "nothing is carried out"
        wait_until(lambda: said in installed.scaler("explain", *explained).stdout, "the operator to explain", 40)

        assert uids(living(place)) == before
        assert all(requests(pod) == SMALL["app"] for pod in living(place))
        scaled = plane.api.get(f"/apis/keda.sh/v1alpha1/namespaces/{place.namespace}/scaledobjects/always")
        assert not {"labels", "finalizers"} & scaled["metadata"].keys()
        assert "status" not in scaled
        hpas = f"/apis/autoscaling/v2/namespaces/{place.namespace}/horizontalpodautoscalers"
        assert plane.api.get(hpas)["items"] == []
        deployment = plane.api.get(f"/apis/apps/v1/namespaces/{place.namespace}/deployments/always")
        assert deployment["spec"]["replicas"] == 1
    asked = [one for part in PARTS for one in plane.writes(user__username=user(part))]
    assert {resource(one) for one in asked if one["verb"] in WRITING} - REVIEWS == {
        "leases",
        "verticalpodautoscalers/status",
        "verticalpodautoscalercheckpoints",
    }
    refused = {f"{one['verb']} {one['requestURI']}" for one in asked if one["responseStatus"]["code"] == 403}
    assert refused == set()


def user(part: str) -> str:
    return f"system:serviceaccount:{NAMESPACE}:observing-{part}"


def resource(written: Object) -> str:
    about = written["objectRef"]
    return "/".join(one for one in (about["resource"], about.get("subresource")) if one)


def test_no_role_of_the_component_may_write_anything_else() -> None:
    writing = {"create", "update", "patch", "delete", "deletecollection", "*"}
    may = {
        f"{name}"
        for one in built()
        if one["kind"] in {"Role", "ClusterRole"}
        for rule in one["rules"]
        if writing & set(rule.get("verbs", ()))
        for name in rule.get("resources", ())
    }
    assert may - {"tokenreviews", "subjectaccessreviews"} == {
        "leases",
        "verticalpodautoscalers/status",
        "verticalpodautoscalercheckpoints",
    }
