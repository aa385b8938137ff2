"""What the LimitRanges of each namespace allow together, taken together once a change."""

from scaler.kube.store import Store
from scaler.vertical.limit_ranges import NO_RANGES, LimitRange, Ranges, ranges_of

BY_NAMESPACE = "namespace"


def of_namespace(limit_range: LimitRange) -> tuple[str, ...]:
    """The key of the index `BY_NAMESPACE`."""
    return (limit_range.metadata.namespace,)


class Allowed:
    """Follows a store that has the index `BY_NAMESPACE`."""

    def __init__(self, store: Store[LimitRange]) -> None:
        self._store = store
        self._merged: dict[str, Ranges] = {}
        store.on_change(self._changed)

    def __call__(self, namespace: str) -> Ranges:
        """What the namespace allows."""
        found = self._merged.get(namespace)
        if found is None:
            there = self._store.select(BY_NAMESPACE, namespace)
            # As VPA lists them: of several defaults the last one holds.
            found = ranges_of(sorted(there, key=lambda one: one.metadata.name)) if there else NO_RANGES
            self._merged[namespace] = found
        return found

    def _changed(self, old: LimitRange | None, new: LimitRange | None) -> None:
        changed = new or old
        if changed is not None:
            self._merged.pop(changed.metadata.namespace, None)
