"""The command `scaler`: what it offers, how it explains itself, and what its exit codes mean.

Every program is imported when it is called, so that help, completion and validation are quick.
"""

import importlib
from collections.abc import Callable
from typing import Any

import click

from scaler import __version__
from scaler.process.commands import EXIT_CODES, guarded

COMMANDS = {
    "operator": "Scale workloads: read triggers, decide, keep the HPAs.",
    "metrics": "Serve external metrics to the HPA controller.",
    "recommender": "Recommend requests: learn what containers use, write it to VerticalPodAutoscalers.",
    "updater": "Move running pods to the sizes recommended for them: resize them, or evict them.",
    "demo": "Watch a queue fill and real replicas follow, on this machine.",
    "explain": "Say why a workload has the replicas it has.",
    "recommend": "Say what pods should request, from the Prometheus you have.",
    "validate": "Find every problem in manifests before they are applied.",
    "backtest": "See what a manifest would have done with a recorded load.",
    "diff": "See where we would decide otherwise than a live KEDA, HPA and VPA.",
    "takeover": "Take a namespace over from a live KEDA and VPA.",
    "rollback": "Give a namespace back to the KEDA and VPA it was taken from.",
    "completion": "Print the completion script of a shell.",
}


OPERATOR = """\
Scale workloads by ScaledObjects. Reads their triggers, decides, sets replicas from and to zero, and keeps the HPA
that does the rest. Several replicas may run: one leads, the others stand by.

\b
Examples:
  scaler operator                              in a pod, or with your kubeconfig
  scaler operator --watch-namespace shop,mail  two namespaces only
  SCALER_LOG_FORMAT=text scaler operator       every flag is a variable too
"""
METRICS = """\
Serve external.metrics.k8s.io to the HPA controller, from a copy of the operator's board. Several replicas may run;
all of them answer.

\b
Examples:
  scaler metrics
  scaler metrics --secure-port 8443 --metrics-service-address 127.0.0.1:9666
"""
RECOMMENDER = """\
Recommend requests of cpu and memory for the pods of VerticalPodAutoscalers, from what their containers use. Takes
upstream's flags, reads and writes upstream's checkpoints, and gives upstream's numbers. Writes statuses, checkpoints
and its Lease, and nothing else. Several replicas may run: one leads, the others stand by.

\b
Examples:
  scaler recommender                                  in a pod, or with your kubeconfig
  scaler recommender --vpa-object-namespace shop      one namespace only
  scaler recommender --recommender-name beside        objects whose spec.recommenders names it
"""
UPDATER = """\
Move running pods to the sizes that VerticalPodAutoscalers recommend: resize them while they run, or evict them so
that they are created again with other requests. Takes VPA's flags; disruption budgets hold, and nothing is moved
while the webhook does not work. Several replicas may run: one leads, the others stand by.

\b
Examples:
  scaler updater                                      in a pod, or with your kubeconfig
  scaler updater --recommendation-only                say what would be moved, and move nothing
  scaler updater --disruption-budgets '[{"pods": "10%"}]'
"""
DEMO = """\
Watch a queue fill and real replicas follow: the real operator and metrics server, with a cluster and an SQS endpoint
that live in this process, and a day of load in minutes. Needs nothing but this machine.

\b
Examples:
  scaler demo
  scaler demo --minutes 10 --keep-running
  scaler demo --load requests.csv
"""
EXPLAIN = """\
Say why a workload has the replicas it has: what each trigger showed, the arithmetic, what limits it, what blocks,
and what would change it. OBJECT is scaledobject/NAME (so/NAME), hpa/NAME, or the workload itself: deployment/NAME.
For vpa/NAME, say why it recommends what it does, and why each pod was moved or stays.

\b
Examples:
  scaler explain scaledobject/worker -n shop
  scaler explain deploy/worker -n shop
  scaler explain vpa/worker -n shop
  scaler explain so/worker -n shop -o json
"""
VALIDATE = """\
Find every problem in manifests, each with its line, its path and what would be right. FILE is a YAML or JSON file,
a folder of them, or - for the standard input. Nothing is asked of a cluster.

\b
Examples:
  scaler validate worker.yaml
  scaler validate manifests/ -o json
  helm template shop | scaler validate --strict -
"""
BACKTEST = """\
See what autoscalers would have done with a load that was recorded, and what it would have cost: replicas, requests,
money, saturation, restarts, beside the workload as it is, each autoscaler alone, and both naively. FILE is a YAML or
JSON file, a folder of them, or - for the standard input, with the workload and its ScaledObject, HPA or VPA.
Nothing is asked of a cluster.

\b
Examples:
  scaler backtest web.yaml --load requests.csv
  scaler backtest web.yaml --load usage.npz --series web --page backtest.html
  scaler backtest web.yaml --prometheus http://localhost:9090 --history 14d
  scaler backtest --journal /journal             every decision of the operator, made again
  scaler backtest deployments/ --load usage.csv --history 14d --add-vpa --add-hpa 70 -o json
"""


DIFF = """\
See where we would decide otherwise than the KEDA, HPA and VPA that are in charge, why, and what that would cost or
save. Everything is read and judged once, and nothing is written; nothing of ours need be installed. Metrics are those
that the HPA controller is told, requests those of our recommender on VPA's own checkpoints.

\b
Examples:
  scaler diff -n shop
  scaler diff -A --show-same
  scaler diff -A --no-data strict -o json
"""
TAKEOVER = """\
Take one namespace over from a live KEDA and VPA, with all its objects left as they are. KEDA and VPA are told to
leave it, by their own settings; external metrics of all other namespaces go on being answered by KEDA, through us.
Every change is shown first, recorded, and undone by `scaler rollback`. Broken off half-way, it is resumed by calling
it again. Scaler must be installed beside KEDA: see deploy/components/beside-upstream.

\b
Examples:
  scaler takeover shop --dry-run   what it would change
  scaler takeover shop             show it, ask, do it
  scaler takeover shop --yes       do not ask
"""
ROLLBACK = """\
Give a namespace back to the KEDA and VPA that it was taken over from: every setting as it was, what somebody else has
changed since left alone and named. The same command undoes a takeover that was broken off.

\b
Examples:
  scaler rollback shop --dry-run
  scaler rollback shop
"""
RECOMMEND = """\
Say what pods should request, from what they used: from a Prometheus that watches the cluster, from metrics.k8s.io, or
from recorded FILEs (CSV, or numpy archives). Nothing has to be installed, and nothing is changed. The numbers are the
Vertical Pod Autoscaler's.

\b
Examples:
  scaler recommend --prometheus http://localhost:9090 --page report.html
  scaler recommend -p http://localhost:9090 -n shop -o patches > patches.yaml
  scaler recommend --watch-for 10m             no Prometheus: what metrics.k8s.io shows
  scaler recommend usage.csv --request cpu=2,memory=4Gi
"""


class Offer(click.Group):
    """The commands, built one by one when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        build = BUILDERS.get(cmd_name)
        return build() if build else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _program(name: str, declared: str, words: str, *, settings: str = "", **more: Any) -> click.Command:
    from scaler.settings.options import Program

    def run(built: Any, **rest: Any) -> int:
        result = importlib.import_module(f"scaler.programs.{name}").run(built, **rest)
        return int(result or 0)

    return Program(
        name,
        getattr(importlib.import_module(f"scaler.settings.{settings or name}"), declared),
        guarded(run),
        short_help=COMMANDS[name],
        help=words,
        epilog=EXIT_CODES,
        **more,
    )


def _operator() -> click.Command:
    return _program("operator", "OperatorSettings", OPERATOR)


def _metrics() -> click.Command:
    return _program("metrics", "MetricsSettings", METRICS)


def _recommender() -> click.Command:
    return _program("recommender", "RecommenderSettings", RECOMMENDER)


def _updater() -> click.Command:
    return _program("updater", "UpdaterSettings", UPDATER)


def _demo() -> click.Command:
    return _program("demo", "DemoSettings", DEMO)


def _explain() -> click.Command:
    argument = click.Argument(["target"], metavar="OBJECT")
    return _program("explain", "ExplainSettings", EXPLAIN, params=[argument])


def _recommend() -> click.Command:
    argument = click.Argument(["files"], metavar="[FILE]...", nargs=-1)
    return _program("recommend", "RecommendSettings", RECOMMEND, params=[argument])


def _validate() -> click.Command:
    argument = click.Argument(["files"], metavar="FILE...", nargs=-1, required=True)
    return _program("validate", "ValidateSettings", VALIDATE, params=[argument])


def _backtest() -> click.Command:
    argument = click.Argument(["files"], metavar="[FILE]...", nargs=-1)
    return _program("backtest", "BacktestSettings", BACKTEST, params=[argument])


def _diff() -> click.Command:
    return _program("diff", "DiffSettings", DIFF)


def _takeover() -> click.Command:
    return _program("takeover", "TakeoverSettings", TAKEOVER, params=[click.Argument(["namespace"])])


def _rollback() -> click.Command:
    argument = click.Argument(["namespace"])
    return _program("rollback", "TakeoverSettings", ROLLBACK, settings="takeover", params=[argument])


def _completion() -> click.Command:
    def run(shell: str) -> None:
        from click.shell_completion import get_completion_class

        made = get_completion_class(shell)
        assert made is not None
        click.echo(made(cli, {}, "scaler", "_SCALER_COMPLETE").source())

    return click.Command(
        "completion",
        params=[click.Argument(["shell"], type=click.Choice(["bash", "zsh", "fish"]))],
        callback=run,
        short_help=COMMANDS["completion"],
        help=f"{COMMANDS['completion']}\n\n\b\nExamples:\n"
        "  scaler completion bash > /etc/bash_completion.d/scaler\n"
        '  eval "$(scaler completion zsh)"\n'
        "  scaler completion fish > ~/.config/fish/completions/scaler.fish\n",
    )


BUILDERS: dict[str, Callable[[], click.Command]] = {
    "operator": _operator,
    "metrics": _metrics,
    "recommender": _recommender,
    "updater": _updater,
    "demo": _demo,
    "explain": _explain,
    "recommend": _recommend,
    "validate": _validate,
    "backtest": _backtest,
    "diff": _diff,
    "takeover": _takeover,
    "rollback": _rollback,
    "completion": _completion,
}

cli = Offer(
    "scaler",
    help="Event-driven workload autoscaler for Kubernetes. Serves KEDA's ScaledObjects as they stand.\n\n"
    "\b\nBegin with:\n"
    "  scaler demo                          see it work, on this machine alone\n"
    "  scaler validate worker.yaml          before you apply it\n"
    "  scaler explain so/worker -n shop     when you wonder why\n"
    "  scaler recommend --prometheus URL    what your pods should request; nothing to install\n",
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 118},
)
click.version_option(__version__, prog_name="scaler", message="%(prog)s %(version)s")(cli)


def main() -> None:
    """The console script."""
    cli.main(prog_name="scaler")


if __name__ == "__main__":
    main()
