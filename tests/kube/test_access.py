"""The quick way to an API server: what it reads, what it refuses, and what it renews."""

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from scaler.errors import ApiError, Invalid
from scaler.kube import access
from scaler.kube.access import connect_quickly
from scaler.kube.resources import NAMESPACES
from tests.controlplane.cluster import Cluster
from tests.kube.conftest import Peer


def kubeconfig(folder: Path, server: str, user: dict[str, Any], **cluster: Any) -> str:
    written = folder / "config"
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "one",
        "clusters": [{"name": "c", "cluster": {"server": server, **cluster}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "one", "context": {"cluster": "c", "user": "u", "namespace": "shop"}}],
    }
    written.write_text(yaml.safe_dump(content))
    return str(written)


async def test_the_administrator_and_a_service_account_get_in(cluster: Cluster, namespace: str) -> None:
    async with connect_quickly(str(cluster.kubeconfig)) as connection:
        found = await connection.get(NAMESPACES, "", namespace, into=dict)
        assert found["metadata"]["name"] == namespace
    account = cluster.service_account_kubeconfig(namespace, "somebody")
    async with connect_quickly(str(account)) as connection:
        with pytest.raises(ApiError, match="somebody"):  # known, and not allowed
            await connection.get(NAMESPACES, "", namespace, into=dict)
        assert connection.server.namespace == namespace


async def test_certificates_may_lie_in_files_beside_the_kubeconfig(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    user_config = yaml.safe_load(cluster.client_cert("root", ["system:masters"]).read_text())
    user = user_config["users"][0]["user"]
    for name, key in (("crt", "client-certificate-data"), ("key", "client-key-data")):
        (tmp_path / name).write_bytes(base64.b64decode(user[key]))
    (tmp_path / "ca").write_bytes(cluster.api.authority)
    files = {"client-certificate": "crt", "client-key": "key"}
    path = kubeconfig(tmp_path, cluster.api.url, files, **{"certificate-authority": "ca"})
    async with connect_quickly(path) as connection:
        assert (await connection.get(NAMESPACES, "", namespace, into=dict))["metadata"]["name"] == namespace


async def authorizations(peer: Peer, path: str, calls: int = 1) -> list[str | None]:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response({})

    peer.answer = answer
    async with connect_quickly(path) as connection:
        for _ in range(calls):
            await connection.get(NAMESPACES, "", "x", into=dict)
    return [request.headers.get("Authorization") for request in peer.seen]


async def test_a_token_is_sent_and_its_absence_too(peer: Peer, tmp_path: Path) -> None:
    assert await authorizations(peer, kubeconfig(tmp_path, peer.url, {"token": "abc"})) == ["Bearer abc"]
    peer.seen.clear()
    assert await authorizations(peer, kubeconfig(tmp_path, peer.url, {})) == [None]


async def test_a_token_file_is_read_again_when_it_is_refused(peer: Peer, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("old\n")

    async def answer(request: web.Request) -> web.StreamResponse:
        good = request.headers["Authorization"] == "Bearer new"
        (tmp_path / "token").write_text("new\n")
        return web.json_response({}, status=200 if good else 401)

    peer.answer = answer
    async with connect_quickly(kubeconfig(tmp_path, peer.url, {"tokenFile": "token"})) as connection:
        await connection.get(NAMESPACES, "", "x", into=dict)
    assert [request.headers["Authorization"] for request in peer.seen] == ["Bearer old", "Bearer new"]


async def test_a_pod_uses_its_service_account(
    peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: Cluster
) -> None:
    for name, text in (("token", "mine"), ("namespace", "shop"), ("ca.crt", cluster.api.authority.decode())):
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(access, "SERVICE_ACCOUNT", tmp_path)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "6443")
    monkeypatch.delenv("KUBECONFIG", raising=False)
    async with connect_quickly() as connection:
        assert connection.server.url == "https://[fd00::1]:6443"
        assert connection.server.namespace == "shop"
        assert connection.server.authorization is not None
        assert await connection.server.authorization.header() == "Bearer mine"


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ({"exec": {"command": "aws"}}, "user u needs an exec plugin, which this program does not speak"),
        ({"auth-provider": {"name": "oidc"}}, "needs an auth provider"),
        ({"username": "a", "password": "b"}, "needs a password"),
        ({"client-certificate": "missing"}, "cannot be used"),
    ],
)
def test_what_it_does_not_speak_is_named(tmp_path: Path, user: dict[str, Any], words: str) -> None:
    with pytest.raises(Invalid, match=words):
        connect_quickly(kubeconfig(tmp_path, "https://127.0.0.1:1", user))


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="cannot be read: No such file"):
        connect_quickly(str(tmp_path / "none"))
    (tmp_path / "bad").write_text("clusters: 5")
    with pytest.raises(Invalid, match="cannot be used"):
        connect_quickly(str(tmp_path / "bad"))
    path = kubeconfig(tmp_path, "http://127.0.0.1:1", {})
    with pytest.raises(Invalid, match=r'has no context "two" \(there are one\)'):
        connect_quickly(path, "two")
