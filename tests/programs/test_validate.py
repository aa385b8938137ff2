"""`scaler validate` as it is called."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from scaler.programs import cli

RIGHT = """
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: worker}
spec:
  scaleTargetRef: {name: worker}
  triggers:
  - type: cpu
    metricType: Utilization
    metadata: {value: "50"}
  - type: aws-sqs-queue
    metadata: {queueURL: "https://sqs.eu-west-1.amazonaws.com/1/work", awsRegion: eu-west-1, identityOwner: operator}
"""
WARNED = RIGHT.replace("spec:\n", "spec:\n  polingInterval: 3\n")
WRONG = RIGHT.replace('"50"', "50")


def validate(*words: str, text: str | None = None) -> Result:
    return CliRunner().invoke(cli.cli, ["validate", *words], input=text, prog_name="scaler")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (("right", RIGHT), ("warned", WARNED), ("wrong", WRONG)):
        (tmp_path / f"{name}.yaml").write_text(text)
    return tmp_path


def test_a_right_file_ends_with_0_and_says_so(folder: Path) -> None:
    result = validate(str(folder / "right.yaml"))
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "1 object of KEDA or VPA in 1 file: nothing wrong\n"


def test_a_wrong_file_ends_with_1_and_a_line_that_an_editor_finds(folder: Path) -> None:
    result = validate(str(folder / "wrong.yaml"))
    assert result.exit_code == 1
    assert result.stdout == (
        f"{folder}/wrong.yaml:10: error: scaledobject/worker spec.triggers[0].metadata.value: "
        'is a number, not a text: quote it, "50"\n'
    )
    assert result.stderr == "1 object of KEDA or VPA in 1 file: 1 error, 0 warnings\n"


def test_a_warning_fails_only_when_strict(folder: Path) -> None:
    assert validate(str(folder / "warned.yaml")).exit_code == 0
    assert validate("--strict", str(folder / "warned.yaml")).exit_code == 1


@pytest.mark.parametrize(("form", "load"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_a_script_reads_the_same(form: str, load: object, folder: Path) -> None:
    result = validate("-o", form, str(folder / "wrong.yaml"))
    assert callable(load)
    assert result.exit_code == 1
    assert load(result.stdout) == {
        "objects": 1,
        "errors": 1,
        "warnings": 0,
        "findings": [
            {
                "file": f"{folder}/wrong.yaml",
                "line": 10,
                "severity": "error",
                "message": 'is a number, not a text: quote it, "50"',
                "path": "spec.triggers[0].metadata.value",
                "object": "scaledobject/worker",
            }
        ],
    }


def test_the_standard_input_is_read(folder: Path) -> None:
    result = validate("-", text=WRONG)
    assert result.exit_code == 1
    assert result.stdout.startswith("<stdin>:10: error: ")


def test_a_folder_is_judged_as_one_set(folder: Path) -> None:
    result = validate(str(folder))
    assert "stands in" in result.stdout
    assert "in 3 files" in result.stderr


def test_a_file_that_is_not_there_is_a_wrong_call(tmp_path: Path) -> None:
    result = validate(str(tmp_path / "nope.yaml"))
    assert result.exit_code == 2
    assert "nope.yaml: no such file or folder" in result.stderr


def test_no_colour_reaches_a_pipe(folder: Path) -> None:
    command = [sys.executable, "-m", "scaler.programs.cli", "validate", str(folder / "wrong.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "FORCE_COLOR": ""})
    assert done.returncode == 1
    assert "\x1b" not in done.stdout
