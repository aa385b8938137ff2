"""A page in a real browser: Chromium without a window, asked one thing about what it shows."""

import html
import json
import re
import subprocess
from pathlib import Path
from typing import Any

from tests.absence import Absent, unavailable
from tests.processes import temporary_folder
from tests.servers.debian import program

# Nothing but the page: no updates, no telemetry, no first run.
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
    "--virtual-time-budget=5000", "--host-resolver-rules=MAP * ~NOTFOUND",
)  # fmt: skip
_FRAME = """<!doctype html><meta charset="utf-8"><body>
<iframe srcdoc="{page}" style="width:{width}px;height:2000px;border:0"></iframe><pre id="found"></pre>
<script>addEventListener("load", async () => {{
  const window_ = document.querySelector("iframe").contentWindow;
  const ask = async (window, document) => {{ {script} }};
  let found; try {{ found = {{ok: await ask(window_, window_.document)}}; }} catch (e) {{ found = {{error: String(e)}}; }}
  document.getElementById("found").textContent = JSON.stringify(found);
}});</script>"""


def asked(page: str, script: str, width: int = 1200) -> Any:
    """What the script returns about the page, shown that many pixels wide; it sees `window` and `document`."""
    try:
        browser = program("chromium")
    except Absent as why:
        unavailable(why)
    folder = temporary_folder("scaler-browser")
    file = folder / "frame.html"
    file.write_text(_FRAME.format(page=html.escape(page), width=width, script=script))
    return _read(_dumped(str(browser.path), folder, file))


def _dumped(browser: str, folder: Path, file: Path) -> str:
    command = [browser, *_FLAGS, f"--user-data-dir={folder / 'profile'}", "--dump-dom", file.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout


def _read(dom: str) -> Any:
    said = re.search(r'<pre id="found">(.*?)</pre>', dom, re.DOTALL)
    assert said, dom[-2000:]
    found = json.loads(html.unescape(said[1]))
    assert "error" not in found, found["error"]
    return found["ok"]
