"""Where the binaries come from."""

import os
import threading
from pathlib import Path

import pytest

from tests.absence import Absent, unavailable
from tests.cache import appearing, cache_folder, locked
from tests.controlplane.build import PARTS, Binaries, binaries
from tests.controlplane.fixtures import start_plane


@pytest.fixture
def assets(plane_binaries: Binaries, tmp_path: Path) -> Path:
    """A folder as envtest has it: etcd and kube-apiserver under their own names, and no more."""
    for part in ("etcd", "kube-apiserver"):
        script = tmp_path / part
        script.write_text(f'#!/bin/sh\nexec {" ".join(plane_binaries[part])} "$@"\n')
        script.chmod(0o755)
    return tmp_path


def test_a_plane_runs_on_the_binaries_of_kubebuilder_assets(assets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets))
    monkeypatch.delenv("CI", raising=False)
    with start_plane() as plane:
        assert set(plane.processes) == {"etcd", "kube-apiserver"}
        assert plane.api.get("/readyz") == "ok"
        plane.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}})
        assert plane.service_account_kubeconfig("default", "someone").exists()
        with pytest.raises(pytest.skip.Exception, match="runs without kwok"):
            plane.require("kwok")


def test_assets_without_a_server_are_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    with pytest.raises(Absent, match="has no etcd and no kube-apiserver"):
        binaries()


def test_our_own_binary_has_all_parts_and_lies_in_the_cache(plane_binaries: Binaries) -> None:
    if "KUBEBUILDER_ASSETS" in os.environ:
        unavailable("nothing is built while KUBEBUILDER_ASSETS is set")
    assert all(part in plane_binaries for part in PARTS)
    assert Path(plane_binaries["etcd"][0]).is_relative_to(cache_folder())


def test_nothing_is_built_beside_a_cluster_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    monkeypatch.setenv("KUBE_SCALER_CACHE", str(tmp_path))
    monkeypatch.setenv("KUBECONFIG_FOR_TESTS", "some.kubeconfig")
    with pytest.raises(Absent, match="KUBECONFIG_FOR_TESTS names a cluster"):
        binaries()


def test_a_cached_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "cached"

    def fail() -> None:
        with appearing(target) as scratch:
            (scratch / "half").touch()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []
    with appearing(target) as scratch:
        (scratch / "whole").touch()
        assert not target.exists()
    assert [path.name for path in target.iterdir()] == ["whole"]


def test_two_makers_wait_for_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBE_SCALER_CACHE", str(tmp_path))
    order: list[str] = []

    def second() -> None:
        with locked("thing"):
            order.append("second")

    with locked("thing"):
        other = threading.Thread(target=second)
        other.start()
        other.join(0.2)
        order.append("first")
    other.join(10)
    assert order == ["first", "second"]
