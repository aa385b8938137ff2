import json
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_demo_scales_from_zero_and_back_holds_in_the_dark_and_ends_by_itself(tmp_path):
    summary = tmp_path / "summary.json"
    command = [
        sys.executable,
        "-m",
        "scaler.programs.cli",
        "demo",
        "--minutes",
        "0.6",
        "--page-address",
        "127.0.0.1:18666",
    ]
    command += ["--summary-file", str(summary), "--log-file", str(tmp_path / "log")]
    demo = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        found = re.search(r"http://\S+", demo.stdout.readline())
        assert found, demo.communicate()[0]
        page = urllib.request.urlopen(found[0], timeout=10).read().decode()
        assert "<svg" in page
        time.sleep(20)
        story = json.load(urllib.request.urlopen(found[0] + "story", timeout=10))
        output, _ = demo.communicate(timeout=150)
    finally:
        demo.kill()
    assert demo.returncode == 0, output + (tmp_path / "log").read_text()[-3000:]
    assert story["samples"]
    assert "worker" in story["now"]["headline"]
    told = json.loads(summary.read_text())
    assert told["most"] > 1
    assert told["activations"] >= 1
    assert told["fewest_while_unreadable"] > 0
    assert told["fewest_while_unreadable"] >= told["before_unreadable"] / 2
    assert {"activate", "deactivate"} <= set(told["decisions"])
    assert "replica-hours" in output


def test_a_wrong_load_file_is_the_users_mistake(tmp_path):
    (tmp_path / "load.csv").write_text("0,1\nx,2\n")
    command = [sys.executable, "-m", "scaler.programs.cli", "demo", "--load", str(tmp_path / "load.csv")]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert "load.csv:2" in ended.stderr
    assert "is no time" in ended.stderr
