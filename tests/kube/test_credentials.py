import base64
import json
import os
import stat
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from aiohttp import web
from kubernetes.aio.config import incluster_config

from scaler.api.meta import Raw
from scaler.errors import ApiError, Invalid
from scaler.kube import credentials
from scaler.kube.credentials import connect
from scaler.kube.resources import CONFIG_MAPS, NAMESPACES, SECRETS
from tests.controlplane.cluster import Cluster
from tests.kube.conftest import Peer


def kubeconfig(folder: Path, server: str, user: dict[str, Any], **context: str) -> Path:
    written = folder / "config"
    written.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "one",
                "clusters": [
                    {"name": "c", "cluster": {"server": server}},
                    {"name": "d", "cluster": {"server": "http://127.0.0.1:1"}},
                ],
                "users": [{"name": "u", "user": user}],
                "contexts": [
                    {"name": "one", "context": {"cluster": "c", "user": "u", **context}},
                    {"name": "two", "context": {"cluster": "d", "user": "u"}},
                ],
            }
        )
    )
    return written


def exec_plugin(folder: Path, tokens: list[str], expires: str = "2999-01-01T00:00:00Z") -> dict[str, Any]:
    """An exec plugin that gives one token a run, and the last one for ever."""
    script = folder / "plugin"
    left = folder / "tokens"
    left.write_text("\n".join(tokens) + "\n")
    answer = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": "TOKEN", "expirationTimestamp": expires},
    }
    script.write_text(
        f"#!/bin/sh\nT=$(head -1 {left})\n[ $(wc -l < {left}) -gt 1 ] && sed -i 1d {left}\n"
        f"echo '{json.dumps(answer)}' | sed s/TOKEN/$T/\n"
    )
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return {
        "exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(script), "interactiveMode": "Never"}
    }


def cluster_entry(path: Path) -> dict[str, Any]:
    entry: dict[str, Any] = yaml.safe_load(path.read_text())["clusters"][0]["cluster"]
    packed = entry.get("certificate-authority-data")
    entry["ca"] = base64.b64decode(packed) if packed else Path(entry["certificate-authority"]).read_bytes()
    return entry


async def accept(peer: Peer, *tokens: str) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        known = request.headers.get("Authorization") in [f"Bearer {token}" for token in tokens]
        return web.json_response({} if known else {"kind": "Status"}, status=200 if known else 401)

    peer.answer = answer


async def test_a_kubeconfig_with_client_certificates_reaches_the_cluster(cluster: Cluster) -> None:
    async with await connect(str(cluster.kubeconfig)) as connection:
        assert (await connection.get(NAMESPACES, "", "default", into=Raw))["metadata"]["name"] == "default"


async def test_the_rights_are_those_of_the_user(cluster: Cluster, namespace: str) -> None:
    path = cluster.service_account_kubeconfig(namespace, "default")
    async with await connect(str(path)) as connection:
        with pytest.raises(ApiError, match="cannot list resource") as error:
            await connection.listing(SECRETS, namespace, into=Raw)
        assert error.value.status == 403


async def test_the_environment_names_the_kubeconfig(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
    async with await connect() as connection:
        assert (await connection.get(NAMESPACES, "", "default", into=Raw))["kind"] == "Namespace"


async def test_a_context_names_another_cluster(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, "http://127.0.0.1:2", {"token": "x"}, namespace="team")
    first, second = await connect(str(path)), await connect(str(path), "two")
    assert (first.server.url, first.server.namespace) == ("http://127.0.0.1:2", "team")
    assert (second.server.url, second.server.namespace) == ("http://127.0.0.1:1", "")


async def test_a_token_and_a_password_are_sent(peer: Peer, tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        return web.json_response({"said": request.headers["Authorization"]})

    peer.answer = answer
    async with await connect(str(kubeconfig(tmp_path, peer.url, {"token": "abc"}))) as connection:
        assert await connection.get(CONFIG_MAPS, "a", "b", into=Raw) == {"said": "Bearer abc"}
    user = {"username": "joe", "password": "pw"}
    async with await connect(str(kubeconfig(tmp_path, peer.url, user))) as connection:
        assert await connection.get(CONFIG_MAPS, "a", "b", into=Raw) == {"said": "Basic am9lOnB3"}


async def test_a_plugin_is_asked_again_when_its_token_is_refused(peer: Peer, tmp_path: Path) -> None:
    await accept(peer, "new")
    async with await connect(
        str(kubeconfig(tmp_path, peer.url, exec_plugin(tmp_path, ["old", "new"])))
    ) as connection:
        await connection.get(CONFIG_MAPS, "a", "b", into=Raw)
    assert [request.headers["Authorization"] for request in peer.seen] == ["Bearer old", "Bearer new"]


async def test_a_plugin_is_asked_again_before_its_token_expires(peer: Peer, tmp_path: Path) -> None:
    await accept(peer, "old", "new")
    user = exec_plugin(tmp_path, ["old", "new"], expires="2020-01-01T00:00:00Z")
    async with await connect(str(kubeconfig(tmp_path, peer.url, user))) as connection:
        await connection.get(CONFIG_MAPS, "a", "b", into=Raw)
    assert [request.headers["Authorization"] for request in peer.seen] == ["Bearer new"]


async def test_a_refusal_right_after_a_renewal_is_final(peer: Peer, tmp_path: Path) -> None:
    await accept(peer)
    async with await connect(str(kubeconfig(tmp_path, peer.url, {"token": "x"}))) as connection:
        for _ in range(3):
            with pytest.raises(ApiError):
                await connection.get(CONFIG_MAPS, "a", "b", into=Raw)
    assert len(peer.seen) == 4  # one renewal, then each call is sent once


async def test_a_pod_uses_its_service_account(
    cluster: Cluster, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = cluster_entry(cluster.kubeconfig)
    (tmp_path / "ca.crt").write_bytes(config["ca"])
    (tmp_path / "token").write_text(cluster.token(namespace, "default"))
    (tmp_path / "namespace").write_text(namespace)
    url = urlsplit(config["server"])
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", str(url.hostname))
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(url.port))
    monkeypatch.setattr(credentials, "SERVICE_ACCOUNT", tmp_path)
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(tmp_path / "ca.crt"))
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    async with await connect() as connection:
        path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
        said = await connection.request("POST", path, body=review, into=Raw)
    assert said["status"]["userInfo"]["username"] == f"system:serviceaccount:{namespace}:default"
    assert connection.server.namespace == namespace


@pytest.mark.parametrize(
    ("text", "context", "says"),
    [
        ("a: [", None, "cannot be used"),
        ("just text", None, "cannot be used"),
        ("{}", None, "cannot be used"),
        (None, "nowhere", "nowhere"),
    ],
)
async def test_a_kubeconfig_that_is_none_is_named(
    tmp_path: Path, text: str | None, context: str | None, says: str
) -> None:
    path = kubeconfig(tmp_path, "http://127.0.0.1:2", {"token": "x"})
    if text is not None:
        path.write_text(text)
    with pytest.raises(Invalid, match=says) as error:
        await connect(str(path), context)
    assert str(path) in str(error.value.problems[0].value)


async def test_a_kubeconfig_that_does_not_exist_is_named() -> None:
    with pytest.raises(Invalid, match="no such file: /nowhere/config"):
        await connect("/nowhere/config")


async def test_several_kubeconfigs_are_merged(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, "http://127.0.0.1:2", {"token": "x"})
    merged = await connect(os.pathsep.join([str(tmp_path / "absent"), str(path)]))
    assert merged.server.url == "http://127.0.0.1:2"
