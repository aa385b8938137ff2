"""TLS settings from PEM texts, against a real HTTPS endpoint."""

import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from scaler.triggers.connections import Connections
from scaler.triggers.tls import Tls
from tests.controlplane.certificates import Authority, Pair
from tests.triggers.building import built, failure, reading, said
from tests.triggers.endpoint import Endpoint

AUTHORITY = Authority.new("tests")
OWN = AUTHORITY.client("scaler")
GIVEN = {"valueLocation": "n", "targetValue": "1"}


def serving(tmp_path: Path, *, asks: bool = False) -> ssl.SSLContext:
    certificate, key = AUTHORITY.server("127.0.0.1").write(tmp_path, "server")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    if asks:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=AUTHORITY.pem.decode())
    return context


def shown(pair: Pair) -> dict[str, str]:
    return {"cert": pair.certificate.decode(), "key": pair.key.decode(), "ca": AUTHORITY.pem.decode()}


class TestAnEndpoint:
    async def test_of_a_stranger_is_not_trusted(self, io: Connections, tmp_path: Path) -> None:
        async with Endpoint(serving(tmp_path)) as endpoint:
            why = await failure(io, "metrics-api", {**GIVEN, "url": endpoint.url})
        assert "certificate" in why.lower()

    async def test_of_a_stranger_is_taken_with_unsafe_ssl(self, io: Connections, tmp_path: Path) -> None:
        async with Endpoint(serving(tmp_path)) as endpoint:
            endpoint.body = {"n": 2}
            there = {**GIVEN, "url": endpoint.url, "unsafeSsl": "true"}
            assert (await reading(io, "metrics-api", there)).value == 2

    async def test_that_asks_who_we_are_is_shown_our_certificate(self, io: Connections, tmp_path: Path) -> None:
        async with Endpoint(serving(tmp_path, asks=True)) as endpoint:
            endpoint.body = {"n": 2}
            there = {**GIVEN, "url": endpoint.url, "authModes": "tls"}
            assert (await reading(io, "metrics-api", there, auth=shown(OWN))).value == 2

    async def test_of_an_authority_in_a_folder_is_trusted(self, tmp_path: Path) -> None:
        (tmp_path / "ca.pem").write_bytes(AUTHORITY.pem)
        folders = (str(tmp_path), str(tmp_path / "missing"))
        async with Endpoint(serving(tmp_path)) as endpoint, Connections(ca_folders=folders) as io:
            endpoint.body = {"n": 2}
            assert (await reading(io, "metrics-api", {**GIVEN, "url": endpoint.url})).value == 2

    async def test_of_an_authority_in_a_folder_is_told_when_that_cannot_be_read(self, tmp_path: Path) -> None:
        (tmp_path / "ca.pem").write_text("nonsense")
        async with Connections(ca_folders=(str(tmp_path),)) as io:
            why = await failure(io, "metrics-api", {**GIVEN, "url": "https://127.0.0.1:9"})
        assert f"{tmp_path}/ca.pem of the operator's --ca-dir is not a certificate" in why


class TestFaults:
    def test_a_key_may_have_a_password(self) -> None:
        key = serialization.load_pem_private_key(OWN.key, None)
        locked = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"open"),
        ).decode()
        certificate = OWN.certificate.decode()
        assert list(Tls(cert=certificate, key=locked, key_password="open").faults()) == []
        assert [field for field, _ in Tls(cert=certificate, key=locked, key_password="shut").faults()] == ["cert"]
        assert [field for field, _ in Tls(cert=certificate, key=locked).faults()] == ["cert"]

    def test_name_the_field(self) -> None:
        other = AUTHORITY.client("other")
        assert list(Tls(ca="not PEM").faults()) == [("ca", "is not a certificate in PEM form")]
        assert [field for field, _ in Tls(cert="a").faults()] == ["key"]
        assert [field for field, _ in Tls(key="a").faults()] == ["cert"]
        mixed = Tls(cert=OWN.certificate.decode(), key=other.key.decode())
        assert "does not go with its key" in dict(mixed.faults())["cert"]

    def test_are_problems_of_the_trigger(self) -> None:
        given = {**GIVEN, "url": "https://a", "authModes": "tls"}
        (problem,) = said(built("metrics-api", given, auth={**shown(OWN), "key": "nonsense"}))
        assert problem.startswith("authenticationRef: parameter cert does not go with its key")
        assert "nonsense" not in problem

    def test_leave_no_file_behind(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        Tls(cert=OWN.certificate.decode(), key=OWN.key.decode()).context()
        list(Tls(cert="a", key="b").faults())
        assert list(tmp_path.iterdir()) == []


def test_the_oldest_tls_that_is_spoken_is_a_setting() -> None:
    assert Tls().context("TLS13").minimum_version == ssl.TLSVersion.TLSv1_3
