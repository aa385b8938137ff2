"""Contexts that change while they are in use, over real handshakes."""

import asyncio
import contextlib
import ssl

import msgspec
import pytest

from scaler.kube import pem as module
from scaler.kube.pem import load_pair
from scaler.serving.certificates import renew, service_names
from scaler.serving.tls import MutualTls, ServerTls

NOW = 1_790_000_000.0
NAMES = service_names(["scaler-operator"], "scaler")
NAME = NAMES[2]


def mutual(material):
    tls = MutualTls()
    tls.take(material)
    return tls


@contextlib.asynccontextmanager
async def echoing(context, peers):
    """A server that notes each peer's certificate and echoes a line."""

    async def echo(reader, writer):
        peers.append(writer.get_extra_info("ssl_object").getpeercert(True))
        with contextlib.suppress(ConnectionError):
            writer.write(await reader.readline())
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


async def say(port, context, name=NAME):
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name)
    try:
        writer.write(b"hello\n")
        return await asyncio.wait_for(reader.readline(), 5)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()


async def test_both_sides_know_each_other_by_our_authority():
    tls, peers = mutual(renew(None, NAMES, NOW)), []
    async with echoing(tls.server(), peers) as port:
        assert await say(port, tls.client()) == b"hello\n"
    assert tls.is_ours(peers[0])
    assert not mutual(renew(None, NAMES, NOW)).is_ours(peers[0])
    assert not tls.is_ours(None)


async def test_a_renewed_certificate_serves_new_connections_and_a_replaced_authority_old_ones():
    old = renew(None, NAMES, NOW)
    server, late_client, peers = mutual(old), mutual(old), []
    async with echoing(server.server(), peers) as port:
        assert await say(port, late_client.client()) == b"hello\n"
        new = renew(msgspec.structs.replace(old, ca_key=b"lost"), NAMES, NOW)  # a new authority beside the old
        server.take(new)
        assert await say(port, mutual(new).client()) == b"hello\n"
        with pytest.raises(ssl.SSLCertVerificationError):
            await say(port, late_client.client())  # it has not heard of the new authority yet
        late_client.take(new)
        assert await say(port, late_client.client()) == b"hello\n"
    assert all(server.is_ours(peer) for peer in peers)


async def test_an_authority_that_is_trusted_no_more_is_refused_after_the_handshake():
    first, second = renew(None, NAMES, NOW), renew(None, NAMES, NOW)
    server, peers = mutual(first), []
    async with echoing(server.server(), peers) as port:
        server.take(second)
        old = msgspec.structs.replace(first, ca=second.ca)
        assert await say(port, mutual(old).client()) == b"hello\n"
    assert not server.is_ours(peers[0])


async def test_a_client_is_only_fooled_by_nobody():
    tls, peers = mutual(renew(None, NAMES, NOW)), []
    async with echoing(tls.server(), peers) as port:
        with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
            await say(port, tls.client(), "other.scaler.svc")


def test_protocols_that_are_known_to_be_broken_are_not_spoken():
    tls = mutual(renew(None, NAMES, NOW))
    for context in (ServerTls().context, tls.server(), tls.client()):
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_the_client_context_is_made_once_for_each_material():
    tls = MutualTls()
    assert not tls.ready
    with pytest.raises(RuntimeError, match="no certificates yet"):
        tls.client()
    material = renew(None, NAMES, NOW)
    tls.take(material)
    first = tls.client()
    tls.take(material)
    assert tls.client() is first
    tls.take(renew(material, ["x", *NAMES], NOW))
    assert tls.client() is not first
    assert tls.ready


def test_a_key_of_another_certificate_is_refused_and_leaves_no_file(tmp_path, monkeypatch):
    one, other = renew(None, NAMES, NOW), renew(None, NAMES, NOW)
    with pytest.raises(ssl.SSLError, match="KEY_VALUES_MISMATCH"):
        ServerTls().present(one.certificate, other.key)
    monkeypatch.delattr(module.os, "memfd_create")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(module.tempfile, "tempdir", None)
    load_pair(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), one.certificate, one.key)
    assert list(tmp_path.iterdir()) == []


def test_what_is_presented_can_be_asked():
    server, material = ServerTls(), renew(None, NAMES, NOW)
    assert server.presented == b""
    server.trust(b"")
    server.present(material.certificate, material.key)
    assert server.presented == material.certificate
