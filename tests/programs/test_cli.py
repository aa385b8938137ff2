"""The command as a person or a script meets it."""

import importlib
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result

from scaler import __version__
from scaler.errors import ApiError, Invalid, Problem, Unreadable
from scaler.programs import cli
from scaler.settings.operator import OperatorSettings
from scaler.settings.options import NEEDLESS

Run = Callable[..., Result]


class Seen:
    """Stands where a program would run, and shows what it was given."""

    def __init__(self, error: BaseException | None = None, code: int = 0) -> None:
        self.settings: Any = None
        self.rest: dict[str, Any] = {}
        self.error, self.code = error, code

    def run(self, settings: Any, **rest: Any) -> int:
        self.settings, self.rest = settings, rest
        if self.error:
            raise self.error
        return self.code


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("SCALER_", "KEDA_", "WATCH_", "POD_", "KUBECONFIG", "AWS_")):
            monkeypatch.delenv(name)


def called(monkeypatch: pytest.MonkeyPatch, seen: Seen, *words: str, env: dict[str, str] | None = None) -> Result:
    real = importlib.import_module
    monkeypatch.setattr(
        cli.importlib, "import_module", lambda name: seen if name.startswith("scaler.programs.") else real(name)
    )
    return CliRunner().invoke(cli.cli, words, prog_name="scaler", env=env)


def operator(monkeypatch: pytest.MonkeyPatch, *words: str, **env: str) -> OperatorSettings:
    seen = Seen()
    result = called(monkeypatch, seen, "operator", *words, env=env)
    assert result.exit_code == 0, result.output
    assert isinstance(seen.settings, OperatorSettings)
    return seen.settings


def test_without_flags_every_setting_has_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert operator(monkeypatch) == OperatorSettings()


def test_a_flag_sets_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    built = operator(monkeypatch, "--watch-namespace", "shop,mail", "--first-poll-spread=2s", "--no-data", "strict")
    assert (built.watch.watch_namespace, built.reading.first_poll_spread) == (("shop", "mail"), 2.0)
    assert built.judgement.no_data == "strict"


def test_a_variable_sets_the_same_as_its_flag(monkeypatch: pytest.MonkeyPatch) -> None:
    built = operator(monkeypatch, SCALER_LOG_LEVEL="debug", SCALER_LEADER_ELECT="false")
    assert (built.logs.log_level, built.leader.leader_elect) == ("debug", False)


def test_a_flag_wins_over_our_variable_and_that_over_kedas(monkeypatch: pytest.MonkeyPatch) -> None:
    env = {"SCALER_HTTP_TIMEOUT": "2s", "KEDA_HTTP_DEFAULT_TIMEOUT": "4000"}
    assert operator(monkeypatch, "--http-timeout", "1s", **env).reading.http_timeout == 1.0
    assert operator(monkeypatch, **env).reading.http_timeout == 2.0


def test_kedas_http_timeout_counts_milliseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert operator(monkeypatch, KEDA_HTTP_DEFAULT_TIMEOUT="4000").reading.http_timeout == 4.0


def test_kedas_word_enabled_is_true(monkeypatch: pytest.MonkeyPatch) -> None:
    built = operator(monkeypatch, KEDA_CHECK_UNEXPECTED_SCALERS_PARAMS="enabled", KEDA_RESTRICT_SECRET_ACCESS="true")
    assert built.reading.check_unexpected_scalers_params
    assert built.authentication.restrict_secret_access


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert operator(monkeypatch, WATCH_NAMESPACE="").watch.watch_namespace == ()


@pytest.mark.parametrize(("words", "value"), [(["--leader-elect"], True), (["--leader-elect=false"], False)])
def test_a_truth_is_written_as_go_programs_have_it(
    words: list[str], value: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert operator(monkeypatch, *words, "--log-level", "info").leader.leader_elect is value


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["operator", "--http-timeout", "soon"], "Invalid value for '--http-timeout'"),
        (["operator", "--log-level", "loud"], "'loud' is not one of debug, info, warning, error"),
        (
            ["operator", "--kube-api-qps", "50"],
            "--kube-api-qps is KEDA's and has no meaning here: there is no client-side",
        ),
        (["operator", "--retries"], "No such option"),
        (["operator", "--leader-election-retry-period", "20s"], "--leader-election-retry-period: 20s must be"),
        (["explain"], "Missing argument 'OBJECT'"),
        (["validate"], "Missing argument 'FILE...'"),
        (["completion", "tcsh"], "'tcsh' is not one of 'bash', 'zsh', 'fish'"),
        (["watch"], "No such command 'watch'"),
    ],
)
def test_a_wrong_call_says_what_is_wrong_and_ends_with_2(
    words: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = called(monkeypatch, Seen(), *words)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    result = called(monkeypatch, Seen(), "operator", env={"SCALER_RECONCILES": "many"})
    assert result.exit_code == 2
    assert "'many' is not a whole number" in result.stderr
    assert "SCALER_RECONCILES" in result.stderr


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (
            Invalid([Problem("spec.x", "is wrong"), Problem("spec.y", "too")]),
            1,
            "Error: spec.x: is wrong\nError: spec.y: too\n",
        ),
        (ApiError(403, "Forbidden", "you may not"), 3, "the API server said no: 403 Forbidden: you may not"),
        (Unreadable("no answer"), 3, "Error: no answer"),
        (ConnectionRefusedError(111, "Connection refused"), 3, "Connection refused"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_what_goes_wrong_becomes_words_and_a_code(
    error: BaseException, code: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = called(monkeypatch, Seen(error), "operator")
    assert result.exit_code == code
    assert said in result.stderr


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(called(monkeypatch, Seen(ZeroDivisionError()), "operator").exception, ZeroDivisionError)


def test_a_programs_own_code_is_the_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    assert called(monkeypatch, Seen(code=3), "metrics").exit_code == 3


def test_arguments_reach_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Seen()
    called(monkeypatch, seen, "validate", "a.yaml", "--strict", "b.yaml", "-o", "json")
    assert seen.rest == {"files": ("a.yaml", "b.yaml")}
    assert (seen.settings.strict, seen.settings.output) == (True, "json")


@pytest.mark.parametrize("name", [name for name in cli.COMMANDS if name != "completion"])
def test_help_teaches_by_examples(name: str) -> None:
    result = CliRunner().invoke(cli.cli, [name, "--help"], prog_name="scaler")
    assert result.exit_code == 0
    assert "Examples:\n" in result.output
    assert "Exit codes:\n" in result.output
    assert "env SCALER_" in result.output


def test_kedas_needless_flags_are_not_flags_of_ours() -> None:
    ours = {
        option for name in ("operator", "metrics") for param in cli.BUILDERS[name]().params for option in param.opts
    }
    assert ours.isdisjoint(NEEDLESS)


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_completion_is_for_the_shell_that_was_named(shell: str) -> None:
    result = CliRunner().invoke(cli.cli, ["completion", shell])
    assert f"_SCALER_COMPLETE={shell}_complete" in result.output


def completed(line: str) -> list[str]:
    env = {
        **os.environ,
        "_SCALER_COMPLETE": "bash_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(line.count(" ")),
    }
    made = subprocess.run([sys.executable, "-m", "scaler.programs.cli"], env=env, capture_output=True, text=True)
    return made.stdout.split()


def test_commands_and_choices_complete() -> None:
    assert completed("scaler ex") == ["plain,explain"]
    assert "plain,demo" in completed("scaler ")
    assert completed("scaler operator --no-data ") == ["plain,upstream", "plain,strict"]


def test_the_version_is_the_packages() -> None:
    assert CliRunner().invoke(cli.cli, ["--version"], prog_name="scaler").output == f"scaler {__version__}\n"


def test_help_imports_no_client_and_no_judgement() -> None:
    code = "import sys; from scaler.programs import cli; cli.cli.main(['--help'], standalone_mode=False); print(sorted(sys.modules))"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert "'scaler.programs.cli'" in modules
    for heavy in ("aiohttp", "kubernetes", "kopf", "yaml", "rich", "asyncio", "scaler.horizontal"):
        assert f"'{heavy}'" not in modules
