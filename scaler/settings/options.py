"""Declared settings as options of a click command: flag, then environment, then default.

A wrong value is named with the flag or the variable that it came from, and the program ends with code 2.
"""

import difflib
import os
from collections.abc import Callable, Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem

from scaler.settings import knobs
from scaler.settings.knobs import Spelling

FROM = "scaler.variable."
"""Prefix of a key in click's `Context.meta`: the variable that a value came from."""

NEEDLESS = {
    "--kube-api-qps": "there is no client-side limit: the API server's 429s are obeyed",
    "--kube-api-burst": "there is no client-side limit: the API server's 429s are obeyed",
    "--disable-compression": "answers of the API server are never compressed",
    "--enable-prometheus-metrics": "they are always served",
    "--enable-opentelemetry-metrics": "OpenTelemetry is not supported yet; scrape --metrics-bind-address",
    "--profiling-bind-address": "there is no profiling server",
    "--metrics-service-grpc-authority": "the metrics server does not speak gRPC to the operator",
    "--port": "it is --metrics-bind-address here",
    "--webhooks-service-name": "the webhook is a program of its own, scaler-webhook: --webhook-service",
    "--enable-webhook-patching": "the webhook is a program of its own, scaler-webhook: --register-webhook",
    "--validating-webhook-name": "the webhook is a program of its own, scaler-webhook, and has a name of its own",
    "--http-max-idle-conns": "connections are kept by source and --requests-in-flight bounds them",
    "--http-max-idle-conns-per-host": "connections are kept by source and --requests-in-flight bounds them",
    "--http-idle-conn-timeout": "connections are kept by source and --requests-in-flight bounds them",
}
"""KEDA's flags without a meaning here, and why."""
NEEDLESS_OF_VPA = {
    "--feature-gates": "every feature is open",
    "--reload-cert": "certificates are always read again when they change",
    "--profiling": "there is no profiling server",
    "--checkpoints-timeout": "checkpoints are written beside the rounds, and no round waits for them",
    "--min-checkpoints": "checkpoints are written in turn, each within --checkpoint-interval",
    "--leader-elect-resource-lock": "there are only Leases",
    "--use-external-metrics": "usage is read from metrics.k8s.io or Prometheus",
    "--tls-ciphers": "what OpenSSL takes for safe is used",
    "--v": "it is --log-level here",
    "--stderrthreshold": "it is --log-level here",
    "--logtostderr": "everything goes to standard error",
}
"""VPA's, likewise."""


class KnobType(click.ParamType[Any]):
    """Reads the text of one setting."""

    def __init__(self, spelling: Spelling) -> None:
        self.spelling = spelling
        self.name = spelling.metavar or knobs.placeholder(spelling.type)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return knobs.read(self.spelling.type, value)
        except ValueError as wrong:
            variable = ctx.meta.get(FROM + self.spelling.key) if ctx else None
            self.fail(f"{wrong} (it stands in {variable})" if variable else str(wrong), param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002 - click's signature
        if self.spelling.metavar in {"FILE", "DIR"}:
            return [CompletionItem(incomplete, type=self.spelling.metavar.lower())]
        return [CompletionItem(one) for one in knobs.choices(self.spelling.type) if one.startswith(incomplete)]


class KnobOption(click.Option):
    """One setting on the command line and in the environment."""

    def __init__(self, spelling: Spelling) -> None:
        self.spelling = spelling
        names = [spelling.key, spelling.flag, *([spelling.short] if spelling.short else [])]
        plain: dict[str, Any] = {}
        if isinstance(spelling.default, bool) and not spelling.switch:
            plain = {"flag_value": "true"}  # --leader-elect and --leader-elect=false, as Go programs have it
        super().__init__(
            names,
            type=click.BOOL if spelling.switch else KnobType(spelling),
            is_flag=spelling.switch,
            **plain,
            default=spelling.default,
            metavar=None if spelling.switch else spelling.metavar or knobs.placeholder(spelling.type),
            envvar=[spelling.variable, *(alias.name for alias in spelling.aliases)],
            help=explained(spelling),
        )

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        for name, bare in self._variables():
            text = os.environ.get(name)
            if text:
                ctx.meta[FROM + self.spelling.key] = name
                return text + bare if text.strip().isdecimal() else text
        return None

    def _variables(self) -> list[tuple[str, str]]:
        return [(self.spelling.variable, ""), *((alias.name, alias.bare) for alias in self.spelling.aliases)]


def explained(spelling: Spelling) -> str:
    """The help of one setting: its docstring, its variables, its default."""
    default = knobs.shown(spelling.type, spelling.default)
    variables = ", ".join([spelling.variable, *(alias.name for alias in spelling.aliases)])
    return f"{spelling.doc} [env {variables}{f'; default {default}' if default else ''}]"


class Program(click.Command):
    """A command whose options are declared settings, grouped in its help as they are declared."""

    def __init__(self, name: str, declared: type, run: Callable[..., int], **more: Any) -> None:
        self.declared = declared
        own: Sequence[click.Parameter] = more.pop("params", ())
        options = [KnobOption(spelling) for spelling in knobs.spellings(declared)]
        super().__init__(name, params=[*own, *options], callback=self._call(run), **more)

    def _call(self, run: Callable[..., int]) -> Callable[..., None]:
        def called(**values: Any) -> None:
            told = {key: values.pop(key) for key in [key for key in values if self._declares(key)]}
            built = knobs.build(self.declared, told)
            wrong = built.problems()
            if wrong:
                raise click.UsageError("\n".join(map(str, wrong)))
            click.get_current_context().exit(run(built, **values))

        return called

    def _declares(self, key: str) -> bool:
        return any(isinstance(param, KnobOption) and param.name == key for param in self.params)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as unknown:
            name = unknown.option_name
            for whose, needless in (("KEDA", NEEDLESS), ("VPA", NEEDLESS_OF_VPA)):
                if name in needless:
                    words = f"{name} is {whose}'s and has no meaning here: {needless[name]}."
                    raise click.UsageError(words, ctx) from None
            raise

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None:
                section = param.spelling.section if isinstance(param, KnobOption) else "Other"
                sections.setdefault(section, []).append(record)
        for section, records in sections.items():
            with formatter.section(section):
                formatter.write_dl(records)


def closest(word: str, known: Sequence[str]) -> str:
    """`` Did you mean x?`` or nothing."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f" Did you mean {near[0]}?" if near else ""
