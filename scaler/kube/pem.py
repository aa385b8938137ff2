"""Certificates and keys from memory into a TLS context."""

import contextlib
import os
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path


def load_pair(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """`load_cert_chain` from memory; both PEM. ssl.SSLError when the two do not belong together."""
    with _as_file(certificate.rstrip() + b"\n" + key) as path:
        context.load_cert_chain(path)


@contextlib.contextmanager
def _as_file(content: bytes) -> Iterator[str]:
    """OpenSSL reads keys from files only; one in memory leaves nothing behind and needs no writable disk."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("pair")
        path = Path(f"/proc/self/fd/{descriptor}")
    else:
        descriptor, name = tempfile.mkstemp()
        path = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            yield str(path)
    finally:
        if not path.is_relative_to("/proc"):
            path.unlink(missing_ok=True)
