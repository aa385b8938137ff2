"""`python -m tests.controlplane build|up`: a control plane by hand."""

import signal
import sys
import time
from types import FrameType

import click

from tests.absence import Absent
from tests.controlplane.build import PARTS, binaries
from tests.controlplane.flags import Options
from tests.controlplane.metrics import MetricsServer
from tests.controlplane.plane import ControlPlane


@click.group()
def main() -> None:
    """A real Kubernetes control plane, for tests."""


@main.command()
def build() -> None:
    """Build the binaries now, unless they are there; tests then start at once."""
    try:
        found = binaries()
    except Absent as why:
        raise click.ClickException(str(why)) from why
    for part in PARTS:
        click.echo(f"{part}: {' '.join(found[part]) if part in found else 'not there'}")


@main.command()
@click.option("--hpa-sync", default="1s", show_default=True, help="How often the HPA controller looks.")
@click.option("--hpa", multiple=True, metavar="NAME=VALUE", help="--horizontal-pod-autoscaler-NAME=VALUE.")
@click.option("--flag", multiple=True, metavar="PART:NAME=VALUE", help="Any flag of any part.")
@click.option("--max-requests-inflight", default=400, show_default=True)
@click.option("--max-mutating-requests-inflight", default=200, show_default=True)
@click.option("--audit", is_flag=True, help="Log all writes to audit.jsonl in the plane's folder.")
@click.option("--metrics", is_flag=True, help="Serve metrics.k8s.io: every container uses 100m and 64Mi.")
@click.option("--no-controllers", is_flag=True, help="The API server alone.")
def up(
    *,
    hpa_sync: str,
    hpa: tuple[str, ...],
    flag: tuple[str, ...],
    max_requests_inflight: int,
    max_mutating_requests_inflight: int,
    audit: bool,
    metrics: bool,
    no_controllers: bool,
) -> None:
    """Run a plane until Ctrl-C or SIGTERM. The first line of stdout is its kubeconfig's path."""
    options = Options(
        hpa_sync=hpa_sync,
        hpa=_pairs(hpa),
        flags=_flags(flag),
        max_requests_inflight=max_requests_inflight,
        max_mutating_requests_inflight=max_mutating_requests_inflight,
        audit=audit,
        controllers=not no_controllers,
    )
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with ControlPlane(options) as plane:
            click.echo(plane.kubeconfig)
            click.echo(f"export KUBECONFIG={plane.kubeconfig}  # logs beside it; Ctrl-C ends it", err=True)
            click.echo(f"kubectl: {' '.join(plane.kubectl_command)}", err=True)
            if metrics:
                with MetricsServer(plane) as server:
                    server.everywhere(cpu=0.1, memory=64 << 20)
                    _watch(plane)
            _watch(plane)
    except Absent as why:
        raise click.ClickException(str(why)) from why
    except KeyboardInterrupt:
        sys.exit(0)


def _watch(plane: ControlPlane) -> None:
    """For ever, or until a part dies."""
    while True:
        time.sleep(1)
        for process in plane.processes.values():
            process.check()


def _pairs(texts: tuple[str, ...]) -> dict[str, str]:
    split = [text.partition("=") for text in texts]
    wrong = [text for text, (_, equals, _) in zip(texts, split, strict=True) if not equals]
    if wrong:
        raise click.BadParameter(f"{wrong[0]!r} is not NAME=VALUE")
    return {name: value for name, _, value in split}


def _flags(texts: tuple[str, ...]) -> dict[str, dict[str, str]]:
    flags: dict[str, dict[str, str]] = {}
    for text in texts:
        part, colon, rest = text.partition(":")
        if not colon or part not in PARTS:
            raise click.BadParameter(f"{text!r} is not PART:NAME=VALUE with a PART of {', '.join(PARTS)}")
        flags.setdefault(part, {}).update(_pairs((rest,)))
    return flags


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
