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
    taken: frozenset[str] | None = None
    """Those that were taken over from a live VPA, beside which nothing else is ours; None where there is none."""

    def covers(self, namespace: str) -> bool:
        """Whether pods of this namespace are sized."""
        if namespace in self.ignored or (self.only and namespace != self.only):
            return False
        return self.taken is None or namespace in self.taken


def scope_of(
    own: str,
    only: str,
    ignored: Collection[str],
    *,
    ignore_kube_system: bool,
    taken: frozenset[str] | None = None,
) -> Scope:
    """Our own namespace is always left alone: what sizes pods must come up when it is down."""
    more = {KUBE_SYSTEM} if ignore_kube_system else set()
    return Scope(only, frozenset({own, *ignored, *more} - {""}), taken)
