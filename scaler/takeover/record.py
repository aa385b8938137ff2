"""What was taken over, and what stood there before: one ConfigMap of ours, which every program reads.

While it is there our programs act in the namespaces that it lists as served, and nowhere else; external metrics of
all others are asked of the backend. `wanted` and `served` differ while a takeover or a rollback is half done.
"""

from typing import Any

import msgspec

from scaler.api.meta import Raw
from scaler.api.scaledobject import OUR_DOMAIN
from scaler.errors import Invalid, Problem

NAME = "scaler-takeover"
KEY = "record"
SERVES = f"{OUR_DOMAIN}/serves"
"""The annotation of the operator's Lease with the namespaces that its holder acts in, comma-joined; * for all."""
FORMAT = 1


class Backend(msgspec.Struct, frozen=True, rename="camel"):
    """Whom the API server asked for external metrics before us."""

    namespace: str
    name: str
    port: int = 443
    ca_bundle: str = ""
    """Authorities of its certificate, base64 of PEM; the system's when empty."""
    insecure_skip_tls_verify: bool = False


class Record(msgspec.Struct, frozen=True, rename="camel"):
    """The state of all takeovers of one installation."""

    format: int = FORMAT
    served: tuple[str, ...] = ()
    """Namespaces in which we act now."""
    sized: tuple[str, ...] = ()
    """Those of them that VPA has left to us, too."""
    wanted: tuple[str, ...] = ()
    """Namespaces that the settings of others are to leave to us, once all steps are done."""
    backend: Backend | None = None
    originals: dict[str, Any] = {}
    """By field, what stood there before the first takeover; null where nothing did."""
    written: dict[str, Any] = {}
    """By field, what we wrote last: what differs from it was changed by somebody else since."""

    @property
    def half_done(self) -> bool:
        """A takeover or a rollback was begun and not ended."""
        return set(self.served) != set(self.wanted)


def config_map(record: Record, namespace: str) -> Raw:
    """The ConfigMap that holds the record."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": NAME,
            "namespace": namespace,
            "labels": {"app.kubernetes.io/part-of": "kube-scaler"},
        },
        "data": {KEY: msgspec.json.format(msgspec.json.encode(record)).decode() + "\n"},
    }


def record_of(data: dict[str, str]) -> Record:
    """The record in a ConfigMap's data; Invalid when it is none that we can read."""
    place = f"configmap {NAME}"
    if KEY not in data:
        raise Invalid([Problem(place, f"has no key {KEY}: it was not written by scaler takeover")])
    try:
        record = msgspec.json.decode(data[KEY], type=Record)
    except msgspec.MsgspecError as wrong:
        raise Invalid([Problem(place, f"cannot be read: {wrong}")]) from wrong
    if record.format != FORMAT:
        words = f"is in format {record.format}, this program reads {FORMAT}: use the version that wrote it"
        raise Invalid([Problem(place, words)])
    return record
