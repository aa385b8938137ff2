"""What a read of an external metric costs: real operator, real metrics server, every object active.

Reads go straight to the metrics server's TLS port with an administrator's certificate, as KEDA was measured: no hop
through the API server. CPU is that of both programs, the operator's own polling included. Two yardsticks of the same
run: an aiohttp server that answers a constant to the same client, and a bare aiohttp GET of the source.
"""

import asyncio
import base64
import re
import ssl
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import uvloop
import yaml
from aiohttp import web

from tests.bench import recorded
from tests.bench.callers import Load
from tests.bench.process import cost, machine
from tests.bench.report import Row, say, table
from tests.bench.world import (
    NAMESPACE,
    USER,
    MetricsServer,
    Program,
    create,
    deployment,
    operator,
    replace,
    scaled_object,
    world,
    yardstick,
)
from tests.controlplane.certificates import Authority
from tests.controlplane.plane import ControlPlane
from tests.processes import wait_until

METRIC = "s0-metric-api-value"
HOST = f"scaler-metrics.{NAMESPACE}.svc"
ACTIVE = 3.0
CONNECTIONS = 64
SETTLING = 25.0
"""Seconds until beginnings are over: first checks made, statuses and events written."""
WANTED: dict[tuple[str, int], dict[str, float]] = {
    ("fresh", 500): {"p99": 10},
    ("fresh", 1000): {"cpu": 1.0},
    ("cached", 1000): {"cpu": 0.3},
}
Figures = dict[str, float]


def run(objects: int, seconds: float) -> None:
    """Fresh reads at 500/s and 1,000/s, then cached ones at 1,000/s."""
    print(
        f"# reads, {objects} active objects, {CONNECTIONS} connections, {seconds:g} s each\n{machine()}", flush=True
    )
    figures: dict[tuple[str, int], Figures] = {}
    with world(controllers=False) as (plane, source):
        source.tell(f"value?{ACTIVE}")
        say("creating the objects")
        create(plane, [deployment(index) for index in range(objects)])
        create(plane, [scaled_object(index, source) for index in range(objects)])
        running, serving = operator(plane), MetricsServer(plane)
        serving.wait_serving(plane)
        wait_until(lambda: _known(serving) >= objects, "every object on the board", 120)
        time.sleep(SETTLING)
        client = trusting(plane)
        for kind, rate in WANTED:
            if kind == "cached":
                say("the same with useCachedMetrics")
                replace(plane, [scaled_object(index, source, useCachedMetrics=True) for index in range(objects)])
                time.sleep(SETTLING)
            say(f"{kind} at {rate}/s")
            measured = _measured((running, serving), client, objects, rate, seconds)
            before = _answers(serving)
            figures[kind, rate] = uvloop.run(measured)
            _check(kind, before, _answers(serving))
            figures[kind, rate] |= _constant(rate, seconds)
        bare = asyncio.run(yardstick(source, 500, 10))
        for program in (running, serving):
            program.kill()
    report(figures, bare)


async def _measured(
    programs: tuple[Program, Program], context: ssl.SSLContext, objects: int, rate: int, seconds: float
) -> Figures:
    load = Load([_request(index) for index in range(objects)], rate)
    await load.connect(programs[1].secure_port, context, HOST, CONNECTIONS)
    await load.offer(2)  # to warm up
    before = [program.cost.cpu for program in programs]
    count = await load.offer(seconds)
    spent = [program.cost.cpu - was for program, was in zip(programs, before, strict=True)]
    load.close()
    if load.refused:
        raise SystemExit(f"{len(load.refused)} reads were refused: {load.refused[0].decode()}")
    return {
        "cpu": sum(spent) / count * 1000,
        "operator": spent[0] / count * 1000,
        "server": spent[1] / count * 1000,
        **_latencies(load),
    }


def _latencies(load: Load) -> Figures:
    return {"p50": load.milliseconds(0.5), "p99": load.milliseconds(0.99), "max": load.milliseconds(1.0)}


def path_of(number: int) -> str:
    """Where an object's metric is read."""
    selector = f"scaledobject.keda.sh%2Fname%3Dw{number}"
    return f"/apis/external.metrics.k8s.io/v1beta1/namespaces/{NAMESPACE}/{METRIC}?labelSelector={selector}"


def _request(number: int) -> bytes:
    headers = "User-Agent: bench\r\nAccept: application/json\r\nAccept-Encoding: gzip\r\n"
    return f"GET {path_of(number)} HTTP/1.1\r\nHost: {HOST}\r\n{headers}\r\n".encode()


def trusting(plane: ControlPlane) -> ssl.SSLContext:
    """An administrator's certificate, and trust in ours."""
    config = yaml.safe_load(plane.client_cert(USER, ["system:masters"]).read_text())
    user = config["users"][0]["user"]
    secret = plane.api.get(f"/api/v1/namespaces/{NAMESPACE}/secrets/scaler-certificates")
    authority = base64.b64decode(secret["data"]["ca.crt"]).decode()
    context = ssl.create_default_context(cadata=authority)
    with tempfile.NamedTemporaryFile() as pair:
        for part in ("certificate", "key"):
            pair.write(base64.b64decode(user[f"client-{part}-data"]) + b"\n")
        pair.flush()
        context.load_cert_chain(pair.name)
    return context


def _known(serving: Program) -> float:
    found = re.search(r"^kube_scaler_board_objects (\S+)", serving.page(), re.MULTILINE)
    return float(found[1]) if found else 0.0


def _answers(serving: Program) -> Counter[str]:
    """Reads by how they were answered."""
    found = re.findall(r'^kube_scaler_reads_total\{code="200",how="(\w+)"\} (\S+)', serving.page(), re.MULTILINE)
    return Counter({how: int(float(count)) for how, count in found})


def _check(kind: str, before: Counter[str], after: Counter[str]) -> None:
    """Reads must have been of the kind that was to be measured."""
    others = after - before
    right = others.pop(kind, 0)
    if others:
        say(f"{right} reads were {kind}, and {dict(others)}")
    if not right:
        raise SystemExit(f"no read was {kind}")


def report(figures: dict[tuple[str, int], Figures], bare: float) -> None:
    rows = []
    for (kind, rate), ours in figures.items():
        theirs: dict[str, Any] = recorded.READS[kind, rate]
        wanted = WANTED[kind, rate]
        about = f"{kind} at {rate:,}/s:"
        rows += [
            Row(f"{about} CPU a read, ms", ours["cpu"], 2, theirs["cpu"], wanted.get("cpu")),
            Row(f"{about} of it operator, ms", ours["operator"]),
            Row(f"{about} of it metrics server, ms", ours["server"]),
            Row(f"{about} an aiohttp server with a constant, ms", ours["constant"]),
            Row(f"{about} latency p50, ms", ours["p50"], 1, theirs["p50"]),
            Row(f"{about} latency p99, ms", ours["p99"], 1, theirs["p99"], wanted.get("p99")),
            Row(f"{about} p99 of that aiohttp server, ms", ours["constant_p99"], 1),
        ]
    rows.append(Row("a bare aiohttp GET of the source at 500/s, ms", bare))
    table("reads", rows)


# -- the yardstick --------------------------------------------------------------------------------------------------


def _constant(rate: int, seconds: float) -> Figures:
    """A bare aiohttp server over TLS, asked by the same client at the same rate."""
    authority = Authority.new("bench")
    with tempfile.TemporaryDirectory() as name:
        certificate, key = authority.server("localhost").write(Path(name), "server")
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.reads", str(certificate), str(key)], stdout=subprocess.PIPE
        )
        try:
            assert child.stdout is not None
            port = int(child.stdout.readline())
            return uvloop.run(_asked(child.pid, port, authority, rate, seconds))
        finally:
            child.kill()
            child.wait()


async def _asked(pid: int, port: int, authority: Authority, rate: int, seconds: float) -> Figures:
    context = ssl.create_default_context(cadata=authority.pem.decode())
    load = Load([_request(0)], rate)
    await load.connect(port, context, "localhost", CONNECTIONS)
    await load.offer(1)
    before = cost(pid).cpu
    count = await load.offer(seconds)
    spent = (cost(pid).cpu - before) / count * 1000
    load.close()
    return {"constant": spent, "constant_p99": load.milliseconds(0.99)}


async def serve_constant(certificate: str, key: str) -> None:
    """Says its port on the standard output."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    body = b'{"kind":"ExternalMetricValueList","items":[]}' + b" " * 180

    async def constant(_: web.BaseRequest) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    server = web.Server(constant, access_log=None)
    listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0, ssl=context)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve_constant(*sys.argv[1:3]))
