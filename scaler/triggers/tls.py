"""Whom to trust and who we are, over TLS: PEM texts as parameters give them, made into an SSL context.

A value, so that equal settings share one context and its connections. It reads no Secret and connects nowhere.
"""

import os
import ssl
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import msgspec

MinimumTls = Literal["TLS10", "TLS11", "TLS12", "TLS13"]

_VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}


class Tls(msgspec.Struct, frozen=True):
    """TLS settings of one connection."""

    verify: bool = True
    """False takes any certificate (unsafeSsl)."""
    ca: str = ""
    """PEM of the authority to trust beside the system's."""
    cert: str = ""
    """PEM of our own certificate."""
    key: str = ""
    """PEM of its key."""
    key_password: str = ""
    """Password of that key."""

    def faults(self) -> Iterator[tuple[str, str]]:
        """What is wrong with the texts: the field's name and why."""
        if not (self.ca or self.cert or self.key):
            return
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if self.ca:
            try:
                context.load_verify_locations(cadata=self.ca)
            except (ssl.SSLError, ValueError):
                yield "ca", "is not a certificate in PEM form"
        if bool(self.cert) != bool(self.key):
            yield ("key" if self.cert else "cert"), "is required, as a certificate and its key go together"
        elif self.cert:
            try:
                _load_own(context, self)
            except (ssl.SSLError, ValueError, OSError) as error:
                reason = getattr(error, "reason", None) or "unreadable"
                yield "cert", f"does not go with its key, or one of them is not in PEM form ({reason})"

    def context(self, minimum: MinimumTls = "TLS12", ca_folders: Iterable[str] = ()) -> ssl.SSLContext:
        """The context of a client. Raises ValueError naming the field that is not what it should be."""
        for field, why in self.faults():
            raise ValueError(f"{field} {why}")
        context = ssl.create_default_context()
        for file, authority in authorities(ca_folders):
            try:
                context.load_verify_locations(cadata=authority)
            except (ssl.SSLError, ValueError):
                raise ValueError(f"{file} of the operator's --ca-dir is not a certificate in PEM form") from None
        if self.ca:
            context.load_verify_locations(cadata=self.ca)
        if self.cert:
            _load_own(context, self)
        context.minimum_version = _VERSIONS[minimum]
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def authorities(folders: Iterable[str]) -> Iterator[tuple[Path, str]]:
    """The files in these folders and their PEM texts; a folder that does not exist holds none."""
    for folder in folders:
        for file in sorted(Path(folder).glob("*")):
            if file.suffix in {".pem", ".crt", ".cer"} and file.is_file():
                yield file, file.read_text(errors="replace")


def _load_own(context: ssl.SSLContext, tls: Tls) -> None:
    """Load certificate and key, which Python takes from files only: written for us alone, gone at once."""
    descriptor, name = tempfile.mkstemp(prefix="tls-")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{tls.cert.strip()}\n{tls.key.strip()}\n")
        # Never ask a terminal for a password: an empty one simply fails.
        context.load_cert_chain(name, password=lambda: tls.key_password)
    finally:
        Path(name).unlink()
