"""Prometheus, with the series that a test says."""

import contextlib
import json
import os
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import yaml

from tests.processes import wait_until
from tests.servers.server import Server

Series = tuple[str, tuple[tuple[str, str], ...]]


class _Exposition:
    """The page that Prometheus scrapes: one line a series."""

    def __init__(self) -> None:
        self.series: dict[Series, float] = {}
        exposition = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = exposition.text().encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # a Prometheus that ends hangs up
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def text(self) -> str:
        lines = [f"{_selector(*series)} {value}" for series, value in self.series.copy().items()]
        return "".join(line + "\n" for line in lines)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Prometheus(Server):
    """A Prometheus that looks at what `set` says every 200 ms.

    `web` holds more lines of its web.yml; `recorded` is OpenMetrics text, with times, of what it saw before.
    """

    program = "prometheus"

    def __init__(self, web: dict[str, Any] | None = None, recorded: str = "") -> None:
        self._web = web
        self._recorded = recorded
        self._exposition = _Exposition()
        try:
            super().__init__()
        except BaseException:  # also Ctrl-C
            self._exposition.close()
            raise

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def arguments(self) -> Sequence[str]:
        target = {"targets": [f"127.0.0.1:{self._exposition.port}"]}
        job = {"job_name": "tests", "honor_labels": True, "static_configs": [target]}
        often = {"scrape_interval": "200ms", "scrape_timeout": "200ms"}
        config = self.folder / "prometheus.yml"
        config.write_text(yaml.safe_dump({"global": often, "scrape_configs": [job]}))
        arguments = [
            f"--config.file={config}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address={self.address}",
            "--query.lookback-delta=10m",
            "--log.level=warn",
        ]
        if self._recorded:
            if not (self.folder / "data").exists():
                self._fill()
            arguments.append("--storage.tsdb.retention.time=100y")
        if self._web:
            web = self.folder / "web.yml"
            web.write_text(yaml.safe_dump(self._web))
            arguments.append(f"--web.config.file={web}")
        return arguments

    def _fill(self) -> None:
        """Blocks of what is recorded."""
        text = self.folder / "recorded.txt"
        text.write_text(self._recorded + "# EOF\n")
        tool = [str(self._program.path.with_name("promtool")), "tsdb", "create-blocks-from", "openmetrics", "-q"]
        environment = {**os.environ, **self._program.environment}
        subprocess.run(
            [*tool, str(text), str(self.folder / "data")], env=environment, check=True, capture_output=True
        )

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError as refusal:  # 503 while it loads; 401 where the test asks for a password
            with refusal:
                return refusal.code == 401

    def set(self, metric: str, value: float, **labels: str) -> None:
        """Give the series this value; returns once Prometheus has seen it."""
        series = (metric, tuple(sorted(labels.items())))
        self._exposition.series[series] = value
        wait_until(lambda: self.value(_selector(*series)) == value, f"Prometheus to have {_selector(*series)}")

    def forget(self, metric: str, **labels: str) -> None:
        """The series is no more; returns once Prometheus has seen that it went."""
        series = (metric, tuple(sorted(labels.items())))
        del self._exposition.series[series]
        wait_until(lambda: self.value(_selector(*series)) is None, f"Prometheus to lose {_selector(*series)}")

    def value(self, query: str) -> float | None:
        """The first value of an instant query, None when it finds nothing."""
        asked = urllib.parse.urlencode({"query": query, "time": f"{time.time():.3f}"})
        with urllib.request.urlopen(f"{self.url}/api/v1/query?{asked}", timeout=10) as answer:
            found = json.load(answer)["data"]["result"]
        return float(found[0]["value"][1]) if found else None

    def stop(self) -> None:
        super().stop()
        self._exposition.close()


def _selector(metric: str, labels: tuple[tuple[str, str], ...]) -> str:
    inside = ",".join(f"{name}={json.dumps(value)}" for name, value in labels)
    return f"{metric}{{{inside}}}"
