import pytest

from scaler.kube.resources import DEPLOYMENTS, NAMESPACES, PODS, Resource


@pytest.mark.parametrize(
    ("path", "says"),
    [
        (PODS.path(), "/api/v1/pods"),
        (PODS.path("a"), "/api/v1/namespaces/a/pods"),
        (NAMESPACES.path("", "a"), "/api/v1/namespaces/a"),
        (DEPLOYMENTS.path("a", "web", "scale"), "/apis/apps/v1/namespaces/a/deployments/web/scale"),
        (Resource("argoproj.io", "v1alpha1", "rollouts").path(), "/apis/argoproj.io/v1alpha1/rollouts"),
    ],
)
def test_paths_are_those_of_the_api_server(path: str, says: str) -> None:
    assert path == says


def test_a_name_cannot_lead_elsewhere() -> None:
    assert DEPLOYMENTS.path("a", "../../secrets/x") == "/apis/apps/v1/namespaces/a/deployments/..%2F..%2Fsecrets%2Fx"


def test_the_api_version_is_written_as_in_manifests() -> None:
    assert (PODS.api_version, DEPLOYMENTS.api_version) == ("v1", "apps/v1")
