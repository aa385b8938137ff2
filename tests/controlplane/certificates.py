"""Certificates for a control plane that lives for one test run: made quickly, never renewed."""

import datetime as dt
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAY = dt.timedelta(days=1)
_USES = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]


@dataclass(frozen=True)
class Pair:
    """A key and its certificate, both PEM."""

    certificate: bytes
    key: bytes

    def write(self, folder: Path, name: str) -> tuple[Path, Path]:
        """`name.crt` and `name.key` in the folder, the key for its owner only."""
        certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
        certificate.write_bytes(self.certificate)
        key.write_bytes(self.key)
        key.chmod(0o600)
        return certificate, key


class Authority:
    """A certificate authority."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self._certificate = x509.load_pem_x509_certificate(pair.certificate)
        key = serialization.load_pem_private_key(pair.key, None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self._key = key

    @classmethod
    def new(cls, name: str) -> Self:
        key = new_key()
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        about = _about(subject, subject, key).add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        return cls(Pair(_pem(about.sign(key, hashes.SHA256())), key_pem(key)))

    @property
    def pem(self) -> bytes:
        return self.pair.certificate

    def client(self, user: str, groups: Sequence[str] = ()) -> Pair:
        """For a user that Kubernetes knows by the common name, in groups given as organisations."""
        return self._issue(client_subject(user, groups), ())

    def server(self, *names: str) -> Pair:
        """For host names and IP addresses."""
        return self._issue(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])]), names)

    def _issue(self, subject: x509.Name, names: Sequence[str]) -> Pair:
        key = new_key()
        about = _about(subject, self._certificate.subject, key)
        about = about.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        about = about.add_extension(x509.ExtendedKeyUsage(_USES), False)
        if names:
            about = about.add_extension(x509.SubjectAlternativeName([_alternative(name) for name in names]), False)
        return Pair(_pem(about.sign(self._key, hashes.SHA256())), key_pem(key))


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def client_subject(user: str, groups: Sequence[str]) -> x509.Name:
    organisations = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    return x509.Name([*organisations, x509.NameAttribute(NameOID.COMMON_NAME, user)])


def signing_request(user: str, groups: Sequence[str], key: ec.EllipticCurvePrivateKey) -> bytes:
    """A PEM request for a client certificate, for a cluster whose authority is not ours."""
    request = x509.CertificateSigningRequestBuilder().subject_name(client_subject(user, groups))
    return request.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _about(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + 30 * _DAY)
    )


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
