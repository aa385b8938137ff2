"""Which object counts for which workload, as objects come, change and go."""

from typing import Any

import msgspec
import pytest

from scaler.api.verticalpodautoscaler import VerticalPodAutoscaler
from scaler.kube.store import Store
from scaler.vertical.targets import Controller
from webhook.sizes import Sizes, target_key

WEB = Controller("Deployment", "web", "apps/v1")


def vpa(
    name: str, *, created: int = 1, version: str = "1", namespace: str = "shop", **spec: Any
) -> VerticalPodAutoscaler:
    metadata = {
        "name": name,
        "namespace": namespace,
        "resourceVersion": version,
        "creationTimestamp": f"2026-01-01T00:00:{created:02}Z",
    }
    target = {"targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}
    return msgspec.convert({"metadata": metadata, "spec": {**target, **spec}}, VerticalPodAutoscaler)


class Followed:
    """Sizes, and the store that they follow."""

    def __init__(self, *objects: VerticalPodAutoscaler) -> None:
        self.store = Store[VerticalPodAutoscaler]({"target": target_key})
        self.sizes = Sizes(self.store)
        for each in objects:
            self.store.put(each)

    @property
    def counts(self) -> str | None:
        found = self.sizes.strongest("shop", WEB)
        return found.name if found else None


def test_the_oldest_counts_and_of_equals_the_first_by_name() -> None:
    followed = Followed(vpa("c", created=5), vpa("b", created=2), vpa("a", created=2))
    assert followed.counts == "a"
    followed.store.drop(("shop", "a"))
    assert followed.counts == "b"


def test_one_that_goes_leaves_nothing_behind() -> None:
    followed = Followed(vpa("a"))
    followed.store.drop(("shop", "a"))
    assert followed.counts is None
    assert not followed.sizes.any_in("shop")


def test_a_change_of_target_moves_it() -> None:
    followed = Followed(vpa("a"))
    followed.store.put(vpa("a", version="2", targetRef={"kind": "StatefulSet", "name": "web"}))
    assert followed.counts is None
    found = followed.sizes.strongest("shop", Controller("StatefulSet", "web", "apps/v1"))
    assert found is not None
    assert found.name == "a"


@pytest.mark.parametrize(
    ("spec", "counts"),
    [
        ({"updatePolicy": {"updateMode": "Off"}}, None),
        ({"updatePolicy": {"updateMode": "Initial"}}, "a"),
        ({"updatePolicy": {"updateMode": "Auto"}}, "a"),
        ({"updatePolicy": {"updateMode": "Off"}, "startupBoost": {"cpu": {"type": "Factor", "factor": 2}}}, "a"),
        ({"targetRef": None}, None),
        ({"recommenders": [{"name": "somebody"}]}, "a"),
    ],
)
def test_in_mode_off_only_a_boost_counts(spec: dict[str, Any], counts: str | None) -> None:
    followed = Followed(vpa("a", **spec))
    assert followed.counts == counts
    assert followed.sizes.any_in("shop") is (counts is not None)


def test_namespaces_do_not_meet() -> None:
    followed = Followed(vpa("a", namespace="mail"))
    assert followed.counts is None
    assert not followed.sizes.any_in("shop")
    assert followed.sizes.any_in("mail")


def test_one_that_cannot_be_applied_counts_and_says_why() -> None:
    """Another object must not take its place unseen."""
    bad = {"containerPolicies": [{"containerName": "main", "minAllowed": {"cpu": "lots"}}]}
    followed = Followed(vpa("a", resourcePolicy=bad), vpa("b", created=9))
    found = followed.sizes.strongest("shop", WEB)
    assert found is not None
    assert (found.name, found.rules) == ("a", None)
    assert "VerticalPodAutoscaler a cannot be applied" in found.problem
    assert '"lots" is not a quantity' in found.problem
