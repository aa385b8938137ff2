"""The load of a workload, out of what each of its pods used."""

import json

import numpy as np
import pytest
import yaml
from click.testing import CliRunner

from scaler.errors import Unreadable
from scaler.history.owners import Workload
from scaler.history.prometheus import Access, Prometheus
from scaler.history.workloads import load_of
from scaler.programs import cli
from tests.history.conftest import MIB
from tests.history.test_cluster import WEB, history
from tests.servers.prometheus import Prometheus as Server
from tests.sim.backtest.test_manifests import container, deployment, hpa, vpa


async def test_all_pods_count_together_those_that_are_gone_too(watched: Server) -> None:
    async with Prometheus(Access(watched.url)) as client:
        cpu, memory = await load_of(history(client, step=60), WEB)
    assert (cpu.name, cpu.unit, memory.unit) == ("shop/web", "cores", "bytes")
    assert memory.series.values[60] == 3 * 320 * MIB
    assert memory.series.values[-1] == 2 * 320 * MIB
    since = cpu.series.times - cpu.series.times[0]
    two = 2 * (0.2 + 0.1 * np.sin((since - 60) / 3600) + 0.01)
    np.testing.assert_allclose(cpu.series.values[200:], two[200:], atol=0.01)


async def test_a_workload_that_nobody_saw_is_said(watched: Server) -> None:
    async with Prometheus(Access(watched.url)) as client:
        with pytest.raises(Unreadable, match="knows no container of Deployment shop/nobody in the last"):
            await load_of(history(client), Workload("shop", "Deployment", "nobody"))


def test_a_backtest_plays_it(watched: Server, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("backtest") / "web.yaml"
    asked = [container("app", cpu="1", memory="512Mi"), container("sidecar", cpu="100m")]
    file.write_text(yaml.safe_dump_all([deployment(replicas=2, containers=asked), hpa(), vpa()]))
    words = ["--prometheus", watched.url, "--until", "2026-02-10T00:00:00Z", "--history", "6h", "-n", "shop"]
    told = CliRunner().invoke(cli.cli, ["backtest", str(file), *words, "-o", "json"], prog_name="scaler")
    assert told.exit_code == 0, told.output
    (one,) = json.loads(told.stdout)
    lines = {line["policy"]: line for line in one["lines"]}
    assert lines["as-it-is"]["score"]["served"] == pytest.approx(6 * 2 * 0.25, rel=0.3)
    assert set(lines) == {"as-it-is", "hpa", "vpa", "naive", "together"}
