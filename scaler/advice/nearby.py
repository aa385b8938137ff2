"""A Prometheus that seems to run in the cluster, and how one reaches it: few know its name."""

import re

from scaler.api.meta import Raw
from scaler.errors import ApiError
from scaler.kube.connection import Connection
from scaler.kube.resources import Resource

SERVICES = Resource("", "v1", "services")
_SERVERS = re.compile(r"prometheus|thanos-query|vmsingle|vmselect|victoria-metrics|mimir-(nginx|gateway)")
_OTHERS = re.compile(r"operator|exporter|alertmanager|pushgateway|adapter|kube-state|grafana|webhook")


async def hint(connection: Connection) -> str:
    """What to type to read its history; nothing when none is seen, or services may not be read."""
    try:
        services = (await connection.listing(SERVICES, into=Raw)).items
    except ApiError:
        return ""
    found = sorted(filter(None, map(_reached, services)))
    if not found:
        return ""
    _, namespace, name, port = found[0]
    return (
        f"a Prometheus seems to be there: kubectl -n {namespace} port-forward svc/{name} 9090:{port}, then "
        "scaler recommend --prometheus http://localhost:9090"
    )


def _reached(service: Raw) -> tuple[int, str, str, int] | None:
    """Namespace, name and port, the likeliest first: the one that Prometheus itself is behind."""
    meta, ports = service["metadata"], (service.get("spec") or {}).get("ports") or ()
    name = str(meta["name"])
    if not ports or not _SERVERS.search(name) or _OTHERS.search(name):
        return None
    http = next((one for one in ports if one.get("name") in {"http", "web", "http-web"}), ports[0])
    return (0 if "prometheus" in name else 1, str(meta["namespace"]), name, int(http["port"]))
