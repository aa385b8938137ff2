"""Triggers beside the authentications of the same set."""

import msgspec
import pytest

from scaler.api.authentication import ClusterTriggerAuthentication, TriggerAuthentication
from scaler.api.scaledobject import TriggerSpec
from scaler.errors import Problem
from scaler.triggers import credentials


def made(kind: type[TriggerAuthentication] = TriggerAuthentication, **spec: object) -> TriggerAuthentication:
    return msgspec.convert({"metadata": {"name": "a"}, "spec": spec}, kind)


def trigger(ref: dict[str, str] | None) -> TriggerSpec:
    return msgspec.convert({"type": "redis", "metadata": {}, "authenticationRef": ref}, TriggerSpec)


EVERY_SOURCE = {
    "secretTargetRef": [{"parameter": "a", "name": "s", "key": "k"}],
    "configMapTargetRef": [{"parameter": "b", "name": "s", "key": "k"}],
    "env": [{"parameter": "c", "name": "C"}],
    "boundServiceAccountToken": [{"parameter": "d", "serviceAccountName": "sa"}],
}


def test_the_parameters_of_every_source_are_known() -> None:
    there = {("TriggerAuthentication", "shop", "a"): made(**EVERY_SOURCE)}
    known = credentials.known(trigger({"name": "a"}), "shop", there)
    assert known is not None
    assert set(known) == {"a", "b", "c", "d"}


@pytest.mark.parametrize("spec", [{"podIdentity": {"provider": "aws"}}, {"filePath": "x"}])
def test_what_only_the_cluster_knows_is_not_known(spec: dict[str, object]) -> None:
    there = {("ClusterTriggerAuthentication", "", "a"): made(ClusterTriggerAuthentication, **spec)}
    ref = {"name": "a", "kind": "ClusterTriggerAuthentication"}
    assert credentials.known(trigger(ref), "shop", there) is None


def test_a_trigger_without_authentication_needs_none() -> None:
    assert credentials.known(trigger(None), "shop", {}) is None
    assert credentials.hints(0, trigger(None), "shop", {}) == []


def test_an_authentication_that_is_found_needs_no_hint() -> None:
    there = {("TriggerAuthentication", "shop", "a"): made()}
    assert credentials.hints(0, trigger({"name": "a"}), "shop", there) == []


def test_a_problem_with_a_placeholder_is_ours() -> None:
    assert credentials.about_placeholder(Problem("x", "is no number", credentials.PLACEHOLDER))
    assert not credentials.about_placeholder(Problem("x", "is no number", "y"))


@pytest.mark.parametrize(
    ("provider", "served"), [("aws", True), ("none", True), ("gcp", False), ("azure-workload", False)]
)
def test_an_identity_that_is_not_served_is_named(provider: str, served: bool) -> None:
    assert (credentials.unserved(made(podIdentity={"provider": provider})) == []) is served
