"""Where tests keep what takes long to get: outside the checkout, so that a clone elsewhere has it too.

`$KUBE_SCALER_CACHE`, else `$XDG_CACHE_HOME/kube-scaler`, else `~/.cache/kube-scaler`. What is in it may be
deleted at any time when no test runs; it is made again.
"""

import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def cache_folder() -> Path:
    own = os.environ.get("KUBE_SCALER_CACHE")
    shared = os.environ.get("XDG_CACHE_HOME")
    if own:
        return Path(own).absolute()
    return (Path(shared) if shared else Path.home() / ".cache") / "kube-scaler"


def say(message: str) -> None:
    """Progress for the person who waits; stderr, past pytest's capture."""
    print(message, file=sys.__stderr__, flush=True)


@contextmanager
def locked(name: str) -> Iterator[None]:
    """One maker at a time, over all processes of this machine that share the cache."""
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"{name}: another process makes it, waiting")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def appearing(target: Path) -> Iterator[Path]:
    """A scratch folder that becomes `target` at once when all went well, and vanishes when not."""
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield scratch
        scratch.chmod(0o755)
        scratch.rename(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
