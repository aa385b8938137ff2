"""Which namespaces have their pods sized.

The webhook and the updater both ask here, so that neither touches what the other leaves alone: a pod that is evicted
and not sized again would be evicted for ever.
"""

from collections.abc import Collection

import msgspec

KUBE_SYSTEM = "kube-system"


class Scope(msgspec.Struct, frozen=True):
    """Which namespaces are ours to size in."""

    only: str = ""
    """The only one; all when empty."""
    ignored: frozenset[str] = frozenset()
    """Those that are left alone."""

    def covers(self, namespace: str) -> bool:
        """Whether pods of this namespace are sized."""
        return namespace not in self.ignored and (not self.only or namespace == self.only)


def scope_of(own: str, only: str, ignored: Collection[str], *, ignore_kube_system: bool) -> Scope:
    """Our own namespace is always left alone: what sizes pods must come up when it is down."""
    more = {KUBE_SYSTEM} if ignore_kube_system else set()
    return Scope(only, frozenset({own, *ignored, *more} - {""}))
