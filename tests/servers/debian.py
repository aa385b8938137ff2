"""Programs that tests need: from the PATH, else from Debian's packages.

Root installs them, as anyone preparing a test machine would. Others unpack them, with the libraries that are
missing here, into the cache; apt then works on lists and archives of its own, as the system's are root's.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.absence import Absent
from tests.cache import appearing, cache_folder, locked, say
from tests.servers import PACKAGES

_ADMINISTRATORS = ("/usr/local/sbin", "/usr/sbin", "/sbin")
# Nothing of what is installed may start by itself: in runlevel 1 no service does.
_QUIETLY = {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}


@dataclass(frozen=True)
class Program:
    """A program and what its environment must have."""

    path: Path
    environment: Mapping[str, str] = field(default_factory=dict)


def program(name: str) -> Program:
    """Where the program is, fetched now if need be. Raises Absent."""
    found = _on_the_path(name)
    if found is None and not shutil.which("apt-get"):
        raise Absent(f"{name} is not on the PATH, and there is no apt-get to bring it; please install {name}")
    if found is None and os.geteuid() == 0:
        found = _installed(name)
    return Program(found) if found else _unpacked(name)


def _on_the_path(name: str) -> Path | None:
    found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *_ADMINISTRATORS]))
    return Path(found) if found else None


def _installed(name: str) -> Path | None:
    package = PACKAGES[name]
    say(f"servers: installing Debian's {package}")
    install = ["install", "--yes", "--no-install-recommends", package]
    with locked("debian"):
        outcome = _apt(*install)
        if outcome.returncode:
            _apt("update")
            outcome = _apt(*install)
    if outcome.returncode:
        raise Absent(f"apt-get install {package} failed:\n{outcome.stderr[-1500:]}")
    return _on_the_path(name)


def _unpacked(name: str) -> Program:
    package = PACKAGES[name]
    folder = cache_folder() / "debian" / package
    with locked("debian"):
        if not folder.exists():
            say(f"servers: unpacking Debian's {package} into {folder}")
            with appearing(folder) as scratch:
                _unpack(package, scratch)
    found = [path for path in folder.glob(f"usr/*bin/{name}") if os.access(path, os.X_OK)]
    if not found:
        raise Absent(f"Debian's {package} has no program {name}")
    libraries = [str(path) for path in (*folder.glob("usr/lib/*-linux-gnu*"), *folder.glob("lib/*-linux-gnu*"))]
    return Program(found[0], {"LD_LIBRARY_PATH": os.pathsep.join(libraries)})


def _unpack(package: str, target: Path) -> None:
    """The package and all that an installation would bring with it."""
    own = _own_apt()
    wanted = _apt("install", "--simulate", "--no-install-recommends", package, options=own)
    if wanted.returncode:
        _apt("update", options=own)
        wanted = _apt("install", "--simulate", "--no-install-recommends", package, options=own)
    names = re.findall(r"^Inst (\S+)", wanted.stdout, re.MULTILINE)
    fetched = _apt("download", *names, options=own, folder=target) if names else wanted
    if not names or fetched.returncode:
        raise Absent(f"cannot download Debian's {package}:\n{fetched.stderr[-1500:]}")
    for archive in target.glob("*.deb"):
        subprocess.run(["dpkg", "-x", str(archive), str(target)], check=True)
        archive.unlink()


def _own_apt() -> list[str]:
    """Options that let anyone ask apt: the system's sources and status, our own lists and caches."""
    state = cache_folder() / "apt"
    for part in ("lists/partial", "cache/archives/partial"):
        (state / part).mkdir(parents=True, exist_ok=True)
    settings = {"Dir::State::lists": state / "lists", "Dir::Cache": state / "cache", "Debug::NoLocking": "1"}
    return [f"--option={name}={value}" for name, value in settings.items()]


def _apt(
    *arguments: str, options: list[str] | None = None, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    command = ["apt-get", "--quiet", "--option=DPkg::Lock::Timeout=300", *(options or []), *arguments]
    environment = {**os.environ, **_QUIETLY}
    return subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
