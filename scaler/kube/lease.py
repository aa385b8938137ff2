"""What a Lease says, and how it is written: the record by which replicas agree on a leader. It decides nothing."""

import msgspec

from scaler.api.meta import Kind, ObjectMeta, Raw
from scaler.clock import from_rfc3339, to_rfc3339_micro


class LeaseSpec(Kind, frozen=True):
    """coordination.k8s.io/v1 LeaseSpec, as far as election goes."""

    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    acquire_time: str | None = None
    renew_time: str | None = None
    lease_transitions: int | None = None


class Lease(Kind, frozen=True):
    """A Lease as it is read."""

    metadata: ObjectMeta = ObjectMeta()
    spec: LeaseSpec = LeaseSpec()


class Holder(msgspec.Struct, frozen=True):
    """Who holds a Lease."""

    identity: str
    annotations: dict[str, str]
    """What it advertises."""
    renewed: float
    """Epoch seconds, by the holder's clock."""
    duration: float
    """Seconds that it may stay silent."""
    transitions: int = 0
    """How often the Lease changed hands."""


def holder_of(lease: Lease | None) -> Holder | None:
    """The holder that the Lease names; None when it is free. Whether it is alive is not said."""
    if lease is None or not lease.spec.holder_identity:
        return None
    spec = lease.spec
    return Holder(
        spec.holder_identity or "",
        lease.metadata.annotations,
        from_rfc3339(spec.renew_time) if spec.renew_time else 0.0,
        float(spec.lease_duration_seconds or 0),
        spec.lease_transitions or 0,
    )


def held(lease: Raw, identity: str, duration: float, now: float) -> Raw:
    """The Lease with this holder, from now on or still: acquisition and renewal are one write."""
    spec = dict(lease.get("spec") or {})
    if spec.get("holderIdentity") != identity:
        spec["acquireTime"] = to_rfc3339_micro(now)
        # As upstream: the first holder of a new Lease is no transition, one that follows another or a release is.
        spec["leaseTransitions"] = spec.get("leaseTransitions", -1) + 1
    spec["holderIdentity"] = identity
    spec["leaseDurationSeconds"] = max(1, round(duration))
    spec["renewTime"] = to_rfc3339_micro(now)
    return lease | {"spec": spec}


def released(lease: Raw, now: float) -> Raw:
    """The Lease without a holder, so that the next need not wait."""
    spec = dict(lease.get("spec") or {})
    stamp = to_rfc3339_micro(now)
    spec |= {"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": stamp, "acquireTime": stamp}
    return lease | {"spec": spec}
