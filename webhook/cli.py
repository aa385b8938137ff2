"""The command `scaler-webhook`."""

import click

from scaler import __version__
from scaler.process.commands import EXIT_CODES, guarded
from scaler.settings.options import Program
from scaler.settings.webhook import WebhookSettings

WEBHOOK = """\
Answer the API server's admission reviews: size pods as they are created, by their VerticalPodAutoscalers; fill in and
check VerticalPodAutoscalers; check ScaledObjects and authentications. It registers itself, keeps its certificate, and
lets everything through that it cannot judge. Several replicas may run; all of them answer.

\b
Examples:
  scaler-webhook                                                  in a pod
  scaler-webhook --cert-dir /certs --enable-cert-rotation=false   with certificates of cert-manager
  scaler-webhook --register-by-url --webhook-address 10.0.0.7     beside a cluster that can call this machine
"""


def _run(settings: WebhookSettings) -> int:
    from webhook import program  # so that help is quick

    return program.run(settings)


cli = Program(
    "scaler-webhook",
    WebhookSettings,
    guarded(_run),
    help=WEBHOOK,
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 118},
)
click.version_option(__version__, prog_name="scaler-webhook", message="%(prog)s %(version)s")(cli)


def main() -> None:
    """The console script."""
    cli.main(prog_name="scaler-webhook")
