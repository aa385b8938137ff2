"""The keys of the front proxy: how an aggregated server knows that a request comes through this API server."""

import datetime as dt
import ssl
import tempfile
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

FRONT_PROXY = "front-proxy-client"
LIFE = dt.timedelta(days=365)


class FrontProxy(msgspec.Struct, frozen=True):
    """An authority and one client certificate of it, as PEM."""

    authority: str
    certificate: str
    key: str

    def context(self, authority: bytes | None) -> ssl.SSLContext:
        """For calling a server whose certificate is of that authority; None trusts anyone."""
        context = ssl.create_default_context(cadata=authority.decode() if authority else None)
        if authority is None:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        with tempfile.TemporaryDirectory() as folder:
            # The ssl module reads certificates from files only.
            pair = Path(folder) / "pair.pem"
            pair.write_text(self.certificate + self.key)
            context.load_cert_chain(pair)
        return context


def front_proxy() -> FrontProxy:
    """New keys, made in a few milliseconds."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    client_key = ec.generate_private_key(ec.SECP256R1())
    name = _name("sim-front-proxy-ca")
    authority = _signed(name, name, authority_key, authority_key, authority=True)
    client = _signed(_name(FRONT_PROXY), name, client_key, authority_key, authority=False)
    return FrontProxy(_pem(authority), _pem(client), _key_pem(client_key))


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _signed(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    *,
    authority: bool,
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + LIFE)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if authority:
        builder = builder.add_extension(_signing(), critical=True)
    else:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
        builder = builder.add_extension(usage, critical=False)
    return builder.sign(signer, hashes.SHA256())


def _signing() -> x509.KeyUsage:
    """What an authority's key may do; newer Pythons refuse one that does not say."""
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()
