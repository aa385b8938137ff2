"""Our own certificate authority and the certificates it signs: what they say, when they are due, how they are made.

Pure but for the random numbers of a key: time is a parameter, and where the PEM is kept is the business of
`scaler.serving.certificate_store`.
"""

import datetime as dt
import ipaddress
from collections.abc import Iterable, Sequence

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = 86_400.0
LEAF_LIFE = 365 * DAY
"""Like upstream's: short enough that a lost key ages out, long enough for a cluster that sleeps over winter."""
LEAF_MARGIN = 90 * DAY
"""A certificate with less than this left is renewed: three months in which a renewal may fail unnoticed."""
AUTHORITY_LIFE = 3650 * DAY
AUTHORITY_MARGIN = LEAF_LIFE + LEAF_MARGIN
"""An authority outlives every certificate that it signs."""
BACKDATED = 300.0
"""Seconds by which clocks of two machines may differ."""


class Material(msgspec.Struct, frozen=True):
    """What one installation shares, all PEM."""

    ca: bytes
    """The authorities to trust; the first one signs."""
    certificate: bytes
    key: bytes
    ca_key: bytes = b""
    """Empty when someone else makes the certificates."""


class Pair(msgspec.Struct, frozen=True):
    """A certificate and its key, parsed."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def service_names(services: Iterable[str], namespace: str, domain: str = "cluster.local") -> tuple[str, ...]:
    """Every name by which a Service is called from inside the cluster (upstream's list)."""
    endings = ("", f".{namespace}", f".{namespace}.svc", f".{namespace}.svc.{domain}")
    return tuple(dict.fromkeys(f"{service}{ending}" for service in services if service for ending in endings))


def due(material: Material | None, names: Sequence[str], now: float) -> str:
    """Why the material has to be made anew, in a few words; empty when it is good."""
    return _authority_due(material, now) or _leaf_due(material, names, now)


def renew(material: Material | None, names: Sequence[str], now: float) -> Material:
    """Good material in the place of what is due; a good authority is kept, a replaced one stays trusted."""
    if material is None or _authority_due(material, now):
        authority = make_authority(now)
        trusted = [authority.certificate, *_still_valid(material, now)]
    else:
        trusted = x509.load_pem_x509_certificates(material.ca)
        authority = Pair(trusted[0], _key(material.ca_key))
    leaf = make_leaf(authority, names, now)
    return Material(
        ca=b"".join(_pem(certificate) for certificate in trusted),
        certificate=_pem(leaf.certificate),
        key=_key_pem(leaf.key),
        ca_key=_key_pem(authority.key),
    )


def make_authority(now: float, life: float = AUTHORITY_LIFE) -> Pair:
    """A self-signed authority, valid from now on for `life` seconds."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"kube-scaler CA {int(now)}")])
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)  # certificates and CRLs only
    builder = (
        _builder(name, key, now, life)
        .issuer_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return Pair(builder.sign(key, hashes.SHA256()), key)


def make_leaf(authority: Pair, names: Sequence[str], now: float, life: float = LEAF_LIFE) -> Pair:
    """A certificate for these DNS names and IP addresses: it serves and, for the board's feed, calls."""
    if not names:
        raise ValueError("a certificate needs at least one DNS name or address")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, min(names, key=len)[:64])])
    usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)  # signatures only
    uses = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    builder = (
        _builder(name, key, now, life)
        .issuer_name(authority.certificate.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general(each) for each in names]), critical=False)
        .add_extension(signer, critical=False)
    )
    return Pair(builder.sign(authority.key, hashes.SHA256()), key)


def issued_by(certificate: x509.Certificate, authorities: Iterable[x509.Certificate]) -> bool:
    """Whether one of the authorities signed the certificate itself, without one in between."""
    return any(_signed(certificate, authority) for authority in authorities)


def _signed(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _builder(name: x509.Name, key: ec.EllipticCurvePrivateKey, now: float, life: float) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_time(now - BACKDATED))
        .not_valid_after(_time(now + life))
    )


def _authority_due(material: Material | None, now: float) -> str:
    if material is None:
        return "there are no certificates yet"
    try:
        authority, key = x509.load_pem_x509_certificates(material.ca)[0], _key(material.ca_key)
    except (ValueError, TypeError) as error:
        return f"ca.crt or ca.key cannot be read: {error}"
    if authority.public_key() != key.public_key():
        return "ca.key is not the key of ca.crt"
    return _ageing("the authority", authority, now, AUTHORITY_MARGIN)


def _leaf_due(material: Material | None, names: Sequence[str], now: float) -> str:
    assert material is not None  # or the authority would be due
    try:
        leaf, key = x509.load_pem_x509_certificates(material.certificate)[0], _key(material.key)
    except (ValueError, TypeError) as error:
        return f"tls.crt or tls.key cannot be read: {error}"
    if leaf.public_key() != key.public_key():
        return "tls.key is not the key of tls.crt"
    if not issued_by(leaf, x509.load_pem_x509_certificates(material.ca)[:1]):
        return "tls.crt is not signed by ca.crt"
    if missing := [name for name in names if name not in served_names(leaf)]:
        return f"tls.crt lacks the name {missing[0]}"
    return _ageing("the certificate", leaf, now, LEAF_MARGIN)


def served_names(certificate: x509.Certificate) -> list[str]:
    """The DNS names and IP addresses that the certificate is for."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    addresses = names.get_values_for_type(x509.IPAddress)
    return [*names.get_values_for_type(x509.DNSName), *map(str, addresses)]


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _ageing(what: str, certificate: x509.Certificate, now: float, margin: float) -> str:
    if certificate.not_valid_before_utc > _time(now):
        return f"{what} is not valid yet"
    left = certificate.not_valid_after_utc.timestamp() - now
    return f"{what} has {max(left, 0) / DAY:.0f} days left" if left < margin else ""


def _still_valid(material: Material | None, now: float) -> list[x509.Certificate]:
    """The old authorities: what they signed is in use until every program has the new certificate."""
    try:
        known = x509.load_pem_x509_certificates(material.ca) if material else []
    except ValueError:
        return []
    return [certificate for certificate in known if certificate.not_valid_after_utc > _time(now)]


def _key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("not an ECDSA key")
    return key


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _time(epoch: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(int(epoch), dt.UTC)
