"""`scaler recommend` as a person or a script calls it."""

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from scaler.programs import cli
from tests.history.conftest import watched
from tests.servers.prometheus import Prometheus

__all__ = ["watched"]

UNTIL = "2026-02-10T00:00:00Z"
SHARED = Path(__file__).parents[3] / "shared" / "data" / "traces" / "gcd2011.npz"


def recommend(*words: str) -> Result:
    return CliRunner().invoke(cli.cli, ["recommend", *words], prog_name="scaler")


def recorded(tmp_path: Path) -> str:
    file = tmp_path / "web.csv"
    rows = "".join(f"{1_767_225_600 + k * 60},0.1,300\n" for k in range(1441))
    file.write_text(f"time,cpu,memory (MiB)\n{rows}")
    return str(file)


def test_a_prometheus_gives_a_table_a_page_and_patches(watched: Prometheus, tmp_path: Path) -> None:
    page, folder = tmp_path / "report.html", tmp_path / "patches"
    done = recommend(
        "-p", watched.url, "--until", UNTIL, "--history-length", "6h", "--page", str(page), "--patches", str(folder)
    )
    assert done.exit_code == 0, done.output
    assert "shop/web" in done.stdout
    assert "killed for want of memory twice" in done.stdout
    assert "4 containers of 3 workloads, 6 hours of Prometheus" in done.stdout
    assert f"wrote {page}" in done.stderr
    assert "wrote 2 patches and a kustomization" in done.stderr
    assert page.read_text().startswith("<!doctype html>")
    assert sorted(file.name for file in folder.iterdir()) == [
        "kustomization.yaml",
        "shop-deployment-web.yaml",
        "shop-statefulset-db.yaml",
    ]


def test_what_is_piped_is_clean(tmp_path: Path) -> None:
    (one,) = json.loads(recommend(recorded(tmp_path), "-o", "json").stdout)["containers"]
    assert one["target"] == {"cpu": "126m", "memory": "380258472"}
    assert one["requests"] is None
    assert yaml.safe_load(recommend(recorded(tmp_path), "-o", "yaml").stdout)["containers"] == [one]
    patch = yaml.safe_load(recommend(recorded(tmp_path), "-o", "patches").stdout)
    assert patch["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"] == {
        "cpu": "126m",
        "memory": "363Mi",
    }
    assert yaml.safe_load(recommend(recorded(tmp_path), "-o", "vpa").stdout)["kind"] == "VerticalPodAutoscaler"


def test_percentile_margin_limits_and_requests_are_the_users_to_choose(tmp_path: Path) -> None:
    words = ("--recommendation-margin-fraction", "0", "--request", "cpu=1,memory=1Gi", "-o", "json")
    (one,) = json.loads(recommend(recorded(tmp_path), *words).stdout)["containers"]
    assert one["target"]["cpu"] == "110m"
    assert one["requests"] == {"cpu": "1", "memory": "1Gi"}
    assert one["savedMonth"] > 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["no.csv"], 1, "Error: no.csv: cannot be read: No such file or directory"),
        (["-p", "prometheus:9090"], 1, "Error: --prometheus: 'prometheus:9090' is no address such as http://prom"),
        (["-p", "http://127.0.0.1:1"], 3, "Error: Prometheus http://127.0.0.1:1 cannot be reached"),
        (["-p", "http://x", "a.csv"], 2, "give FILEs or --prometheus, not both"),
        (["a.csv", "--unit", "cpu"], 2, "--unit: 'cpu' is not NAME=VALUE"),
        (["-p", "http://x", "--until", "yesterday"], 2, "--until: 'yesterday' is not an RFC 3339 time"),
        (["a.csv", "--target-cpu-percentile", "90"], 2, "--target-cpu-percentile: 90 is no share"),
        (["a.csv", "--price-core", "-1"], 2, "--price-core: -1 is no price"),
        (["--kubeconfig", "/nowhere"], 1, "/nowhere"),
    ],
)
def test_what_goes_wrong_is_told_with_the_code_of_its_kind(words: list[str], code: int, said: str) -> None:
    done = recommend(*words)
    assert said in done.stderr
    assert done.exit_code == code


def test_a_page_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    done = recommend(recorded(tmp_path), "--page", str(tmp_path / "no" / "page.html"))
    assert done.exit_code == 1
    assert "--page:" in done.stderr
    assert "cannot be written: No such file or directory" in done.stderr


@pytest.mark.skipif(
    not SHARED.exists(), reason=f"the recorded trace {SHARED} is not here: its recommendation is left out"
)
def test_a_recorded_trace_writes_its_page(tmp_path: Path) -> None:
    refused = recommend(str(SHARED))
    assert refused.exit_code == 1
    assert "give what 100 % is: --capacity cpu=16" in refused.stderr
    page = tmp_path / "gcd.html"
    done = recommend(str(SHARED), "--capacity", "cpu=16,memory=64Gi", "--page", str(page), "-o", "json")
    found = json.loads(done.stdout)["containers"]
    assert len(found) == 60
    assert all(one["sure"] == "good" for one in found)
    assert page.stat().st_size < 300_000
