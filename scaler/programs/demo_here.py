"""The demo on this machine alone: the cluster lives in this process."""

import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from scaler.kube.credentials import connect
from scaler.programs.demo_scene import Programs, Scene, free_port, open_queue
from scaler.sim.cluster import EmbeddedCluster
from scaler.sim.controllers.kubelet import Pace
from scaler.sim.demo_manifests import QUEUE, api_services, metrics_service, workload
from scaler.sim.demo_manifests import namespace as made_namespace
from scaler.sim.sqs import SqsEndpoint

HOME = "kube-scaler"
"""The programs' namespace."""


@contextlib.asynccontextmanager
async def here(namespace: str, definitions: list[Path], programs: Programs) -> AsyncIterator[Scene]:
    """A cluster, furnished; gone at the end with this process."""
    pace = Pace(start=0.3, ready=0.5, stop=0.3)
    async with EmbeddedCluster(hpa_sync=1.0, pace=pace) as cluster, SqsEndpoint(cluster.world) as sqs:
        for definition in definitions:
            await cluster.apply(definition.read_text())
        port = free_port()
        for part in (made_namespace(HOME), made_namespace(namespace), metrics_service(HOME, port)):
            await cluster.apply(part)
        await cluster.apply(api_services(HOME, port))
        with tempfile.TemporaryDirectory(prefix="scaler-demo-") as scratch:
            kubeconfig = cluster.write_kubeconfig(Path(scratch) / "kubeconfig")
            flags = ("--kubeconfig", str(kubeconfig), "--pod-namespace", HOME)
            at_work = programs.running(*flags, sqs=sqs, listens="127.0.0.1", port=port, watch=namespace)
            async with at_work, await connect(str(kubeconfig)) as connection:
                queue = open_queue(cluster.world, namespace)
                await cluster.apply(workload(namespace, sqs.queue_url(QUEUE)))
                yield Scene(connection, namespace, sqs, queue)
