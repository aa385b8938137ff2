"""The installation that all scenarios of this folder share."""

from collections.abc import Iterator

import pytest

from tests.controlplane.plane import ControlPlane
from tests.e2e.installation import ROOT, Installation
from tests.e2e.side_by_side import Running, running
from tests.e2e.source import Source
from tests.e2e.stage import Theatre
from tests.e2e.watching import Watcher
from tests.servers.aws import Aws

OTHER_KINDS = ROOT / "tests/e2e/manifests/other-kinds.yaml"


@pytest.fixture(scope="package")
def installation(plane: ControlPlane, secure_port: int, aws_server: Aws) -> Iterator[Installation]:
    """One operator and one metrics server, with every call to AWS led to the test's own."""
    plane.apply(OTHER_KINDS)
    with Installation(plane, secure_port) as installed:
        installed.operator(AWS_ENDPOINT_URL=aws_server.url)
        installed.metrics()
        installed.wait_leader()
        installed.wait_serving()
        yield installed


@pytest.fixture(scope="package")
def theatre(installation: Installation, watcher: Watcher, http_source: Source, aws_server: Aws) -> Theatre:
    return Theatre(installation, watcher, http_source, aws_server)


@pytest.fixture(scope="package")
def side_by_side(theatre: Theatre) -> Iterator[Running]:
    yield from running(theatre)
