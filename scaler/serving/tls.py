"""TLS contexts that take new certificates while they are in use.

A context given to a listening socket stays the same object for the life of the program: connections made after
`present` or `trust` see the new certificate or authority, those made before go on. OpenSSL cannot forget an
authority, so who must not be trusted any more is refused after the handshake, by `issued_by` over the current ones.
"""

import ssl

from cryptography import x509

from scaler.kube.pem import load_pair
from scaler.serving.certificates import Material, issued_by

MINIMUM = ssl.TLSVersion.TLSv1_2


class ServerTls:
    """The context of one listening socket."""

    def __init__(self, *, clients: ssl.VerifyMode = ssl.CERT_OPTIONAL, minimum: ssl.TLSVersion = MINIMUM) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = minimum
        self.context.verify_mode = clients
        self.context.num_tickets = 0  # a resumed session would carry an authentication that is over
        self.presented = b""
        """The certificate that new connections see, PEM; empty before the first."""

    def present(self, certificate: bytes, key: bytes) -> None:
        """Show this certificate from now on; ssl.SSLError when the two do not belong together."""
        load_pair(self.context, certificate, key)
        self.presented = certificate

    def trust(self, authorities: bytes) -> None:
        """Accept clients whose certificates these authorities signed, beside those of before."""
        if authorities.strip():
            self.context.load_verify_locations(cadata=authorities.decode())


class MutualTls:
    """Both ends of a connection between our own programs: each shows a certificate of our authority."""

    def __init__(self) -> None:
        self._server = ServerTls(clients=ssl.CERT_REQUIRED)
        self._material: Material | None = None
        self._client: ssl.SSLContext | None = None
        self._authorities: list[x509.Certificate] = []

    @property
    def ready(self) -> bool:
        """Whether there is material yet."""
        return self._material is not None

    def take(self, material: Material) -> None:
        """Use this material from now on."""
        if material == self._material:
            return
        self._authorities = x509.load_pem_x509_certificates(material.ca)
        self._server.present(material.certificate, material.key)
        self._server.trust(material.ca)
        self._material, self._client = material, None

    def server(self) -> ssl.SSLContext:
        """The listening end's context. Clients without a certificate do not get through the handshake.

        Authorities of before do: ask `is_ours`.
        """
        return self._server.context

    def client(self) -> ssl.SSLContext:
        """The calling end's context for the next connection; RuntimeError while there is no material."""
        if self._material is None:
            raise RuntimeError("there are no certificates yet")
        if self._client is None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.minimum_version = MINIMUM
            context.load_verify_locations(cadata=self._material.ca.decode())
            load_pair(context, self._material.certificate, self._material.key)
            self._client = context
        return self._client

    def is_ours(self, peer: bytes | None) -> bool:
        """Whether the peer's certificate (DER, None without one) was signed by an authority that we trust now."""
        return peer is not None and issued_by(x509.load_der_x509_certificate(peer), self._authorities)
