"""Who calls: the identity behind each write, whether it comes over HTTP or from a controller in this process."""

from contextvars import ContextVar

import msgspec


class Identity(msgspec.Struct, frozen=True):
    """Who calls."""

    name: str
    groups: tuple[str, ...] = ()


class Caller(msgspec.Struct):
    """Whom a write is done for, and what is to be told them of it."""

    user: Identity
    manager: str = "kube-controller-manager"
    """Under which name its fields are owned."""
    warnings: list[str] = []


CONTROLLERS = Identity(
    "system:serviceaccount:kube-system:controllers",
    ("system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"),
)

_current: ContextVar[Caller] = ContextVar("caller")


def calls(user: Identity, manager: str) -> Caller:
    """Note who calls, for the rest of this task."""
    caller = Caller(user, manager, [])
    _current.set(caller)
    return caller


def caller() -> Caller:
    """Whom this task works for; the controllers of this process when nobody has said so."""
    return _current.get(None) or Caller(CONTROLLERS)
