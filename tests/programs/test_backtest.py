"""`scaler backtest` as it is called."""

import gzip
import json
import re
from pathlib import Path

import msgspec
import pytest
import yaml
from click.testing import CliRunner, Result

from scaler.history.journal import SUFFIX
from scaler.programs import cli
from tests.processes import free_port
from tests.sim.backtest.test_journals import DAY, operated, quick
from tests.sim.backtest.test_manifests import deployment, hpa, vpa


def backtest(*words: object) -> Result:
    return CliRunner().invoke(cli.cli, ["backtest", *map(str, words)], prog_name="scaler")


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    return written(tmp_path / "web.yaml", deployment(), hpa(), vpa())


@pytest.fixture
def load(tmp_path: Path) -> Path:
    """Two hours: quiet, busy, quiet."""
    path = tmp_path / "load.csv"
    rows = [f"{minute * 60},{4.0 if 40 <= minute < 80 else 0.5}" for minute in range(120)]
    path.write_text("\n".join(["time,cpu (cores)", *rows]))
    return path


def written(path: Path, *objects: object) -> Path:
    path.write_text(yaml.safe_dump_all(objects))
    return path


def test_every_policy_is_a_line_and_a_sentence_says_what_to_think_of_it(manifest: Path, load: Path) -> None:
    told = backtest(manifest, "--load", load)
    assert told.exit_code == 0, told.output
    for policy in ("as it is", "HPA alone", "VPA alone", "both, naively", "both, as one"):
        assert re.search(rf"^{policy}\b.*min", told.stdout, re.MULTILINE)
    assert re.search(r"^Both, as one costs \$[\d.,]+ a month", told.stdout, re.MULTILINE)
    assert "assumed: memory was not recorded" in told.stdout


def test_only_policies_that_mean_something_are_played(tmp_path: Path, load: Path) -> None:
    alone = written(tmp_path / "alone.yaml", deployment(), hpa())
    assert "VPA alone" not in backtest(alone, "--load", load).stdout
    assert "VPA alone" in backtest(alone, "--load", load, "--add-vpa").stdout


def test_programs_get_every_figure(manifest: Path, load: Path) -> None:
    (told,) = json.loads(backtest(manifest, "--load", load, "-o", "json").stdout)
    assert (told["kind"], told["namespace"], told["name"]) == ("Deployment", "default", "web")
    lines = {line["policy"]: line for line in told["lines"]}
    assert lines["as-it-is"]["score"]["core_hours"] == pytest.approx(4.0, rel=0.01)
    assert lines["hpa"]["score"]["replicas_most"] > 4
    assert lines["hpa"]["score"]["replica_changes"] >= 2
    assert yaml.safe_load(backtest(manifest, "--load", load, "-o", "yaml").stdout)[0]["name"] == "web"


def test_prices_and_currency_are_the_users(manifest: Path, load: Path) -> None:
    words = ("--load", load, "--price-core", 1, "--price-gib", 0, "--currency", "EUR ", "-o", "json")
    (told,) = json.loads(backtest(manifest, *words).stdout)
    score = told["lines"][0]["score"]
    assert score["cost"] == pytest.approx(score["core_hours"])
    assert "EUR " in told["verdict"]


def test_the_page_is_one_file_with_pictures_and_needs_no_other(manifest: Path, load: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert backtest(manifest, "--load", load, "--page", page).exit_code == 0
    text = page.read_text()
    assert text.count("<svg") >= 5
    assert "deployment/web in default" in text
    assert not re.search(r"(src|href)=.?https?:", text)


def test_a_fleet_is_summed_up(tmp_path: Path, load: Path) -> None:
    objects = [kind(name) for name in ("web", "api") for kind in (deployment, hpa)]
    told = backtest(written(tmp_path / "fleet.yaml", *objects), "--load", load, "--jobs", 2)
    assert re.search(r"^2 workloads: \$[\d.,]+ a month as they are", told.stdout, re.MULTILINE)


def test_the_same_seed_gives_the_same_answer(manifest: Path, load: Path) -> None:
    words = (manifest, "--load", load, "--noise", 0.1, "--skew", 0.1, "-o", "json")
    assert backtest(*words, "--seed", 5).stdout == backtest(*words, "--seed", 5).stdout
    assert backtest(*words, "--seed", 5).stdout != backtest(*words, "--seed", 6).stdout


def test_a_prometheus_that_is_not_there_is_said_and_nothing_is_played(manifest: Path) -> None:
    told = backtest(manifest, "--prometheus", f"http://127.0.0.1:{free_port()}")
    assert told.exit_code == 3
    assert "Prometheus http://127.0.0.1" in told.output
    assert "Traceback" not in told.output


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "--load"),
        (("--load", "LOAD", "--prometheus", "http://p"), 2, "--load"),
        (("--prometheus", "http://p", "--until", "yesterday"), 2, "--until"),
        (("--load", "LOAD", "--step", "10m"), 2, "--step"),
        (("--load", "LOAD", "--price-core", "-1"), 2, "--price-core"),
        (("--load", "nowhere.csv"), 1, "nowhere.csv"),
        (("--load", "LOAD", "--series", "other"), 1, "has no series 'other'"),
    ],
)
def test_what_is_wrong_is_named(manifest: Path, load: Path, words: tuple[str, ...], code: int, said: str) -> None:
    told = backtest(manifest, *(str(load) if word == "LOAD" else word for word in words))
    assert told.exit_code == code
    assert said in told.output


def test_a_load_without_its_workload_is_refused(tmp_path: Path, load: Path) -> None:
    told = backtest(written(tmp_path / "hpa.yaml", hpa()), "--load", load)
    assert told.exit_code == 1
    assert "is aimed at and is not in these files" in told.output
    assert "Traceback" not in told.output


def journal(folder: Path, *, bent: bool = False) -> Path:
    """As the operator writes it."""
    records, _ = operated(DAY)
    lines = [msgspec.json.encode(record) for record in records]
    if bent:
        lines = [line.replace(b'"rule":"activate"', b'"rule":"idle"') for line in lines]
    (folder / f"one{SUFFIX}").write_bytes(gzip.compress(b"\n".join(lines) + b"\n"))
    return folder


def test_every_decision_of_a_journal_is_made_again(tmp_path: Path) -> None:
    told = backtest("--journal", journal(tmp_path))
    assert told.exit_code == 0, told.output
    assert re.search(rf"shop/web .* {len(DAY)} of {len(DAY)} ", told.stdout)
    assert json.loads(backtest("--journal", tmp_path, "-o", "json").stdout)[0]["same"] == len(DAY)


def test_a_decision_that_comes_out_otherwise_fails_and_is_named(tmp_path: Path) -> None:
    told = backtest("--journal", journal(tmp_path, bent=True))
    assert told.exit_code == 1
    assert "it was idle (to 1), and is activate (to 1)" in told.stdout


def test_a_journal_is_a_load_for_a_manifest(tmp_path: Path) -> None:
    file = written(tmp_path / "web.yaml", deployment(replicas=0), quick())
    told = backtest(file, "--journal", journal(tmp_path), "-n", "shop", "-o", "json")
    assert told.exit_code == 0, told.output
    lines = {line["policy"]: line["score"] for line in json.loads(told.stdout)[0]["lines"]}
    assert lines["as-it-is"]["replicas_most"] == 0
    assert lines["hpa"]["replicas_most"] >= 1


def test_a_journal_that_was_cut_off_is_played_as_far_as_it_goes_and_that_is_said(tmp_path: Path) -> None:
    (file,) = journal(tmp_path).iterdir()
    file.write_bytes(file.read_bytes()[:-40])
    told = backtest("--journal", tmp_path)
    assert "it ends in the middle" in told.stderr
    assert "Traceback" not in told.output


def test_a_folder_without_a_journal_is_refused(tmp_path: Path) -> None:
    told = backtest("--journal", tmp_path)
    assert told.exit_code == 1
    assert "holds no journal" in told.output
