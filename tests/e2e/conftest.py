"""The control plane, the installation on it and the theatre that end-to-end tests play in."""

from collections.abc import Iterator

import msgspec
import pytest

from tests.controlplane.fixtures import start_plane
from tests.controlplane.plane import ControlPlane, Options
from tests.e2e.installation import NAMESPACE, Installation, install, to_loopback
from tests.e2e.source import Source
from tests.e2e.stage import WATCHED, Stage, Theatre
from tests.e2e.watching import Watcher
from tests.processes import free_port, temporary_folder
from tests.servers.aws import Aws

# Besides the writes of everybody: all that our programs ask for, so that no refusal stays unseen.
_AUDIT = f"""
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  verbs: [create, update, patch, delete, deletecollection]
- level: Metadata
  userGroups: ["system:serviceaccounts:{NAMESPACE}"]
- level: None
"""


@pytest.fixture(scope="session")
def plane() -> Iterator[ControlPlane]:
    """A plane with Scaler's manifests applied; HPAs are synced each second and scale in at once.

    A read of a source that hangs keeps one of the HPA controller's workers busy, hence more of them than usual.
    """
    policy = temporary_folder("scaler-audit") / "policy.yaml"
    policy.write_text(_AUDIT)
    options = Options(
        audit=True,
        hpa={"downscale-stabilization": "0s"},
        flags={
            "kube-apiserver": {"audit-policy-file": str(policy)},
            "kube-controller-manager": {"concurrent-horizontal-pod-autoscaler-syncs": "50"},
        },
    )
    with start_plane(options) as started:
        install(started)
        yield started


@pytest.fixture(scope="session")
def secure_port(plane: ControlPlane) -> int:
    """Where the APIService expects the metrics server, on the loopback."""
    port = free_port()
    to_loopback(plane, port)
    return port


@pytest.fixture(scope="session")
def watcher(plane: ControlPlane) -> Iterator[Watcher]:
    with Watcher(plane.api, WATCHED) as watching:
        yield watching


@pytest.fixture(scope="session")
def http_source() -> Iterator[Source]:
    with Source() as source:
        yield source


@pytest.fixture(scope="module")
def bare_installation(plane: ControlPlane, secure_port: int) -> Iterator[Installation]:
    """No program runs yet: the module starts those it needs."""
    with Installation(plane, secure_port) as installed:
        yield installed


@pytest.fixture(scope="module")
def installation(bare_installation: Installation) -> Installation:
    """One operator and one metrics server, at work."""
    bare_installation.operator()
    bare_installation.metrics()
    bare_installation.wait_leader()
    bare_installation.wait_serving()
    return bare_installation


@pytest.fixture(scope="module")
def theatre(installation: Installation, watcher: Watcher, http_source: Source, aws_server: Aws) -> Theatre:
    return Theatre(installation, watcher, http_source, aws_server)


@pytest.fixture
def stage(theatre: Theatre) -> Iterator[Stage]:
    """For a scenario that plays alone."""
    with Stage(theatre) as own:
        yield own


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """A failing test shows the end of each program's log."""
    report = yield
    if report.failed:
        for installed in Installation.at_work:
            for program in installed.programs:
                report.sections.append((f"log of {program.name}", shown(program.process.tail(6000))))
    return report


def shown(log: str) -> str:
    """JSON lines with their line breaks (tracebacks) as such."""
    return "\n".join(_readable(line) for line in log.splitlines())


def _readable(line: str) -> str:
    try:
        said = msgspec.json.decode(line.encode())
    except msgspec.DecodeError:
        return line
    return line.replace("\\n", "\n    ") if isinstance(said, dict) else line
