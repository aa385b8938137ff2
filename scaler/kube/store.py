"""The copy that an informer keeps: objects by name, indexes over them, and who wants to know of changes.

It is filled by `scaler.kube.informer`; it neither reads nor waits.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Generic, Protocol, TypeVar


class Meta(Protocol):
    """The metadata that every kept object has."""

    @property
    def name(self) -> str: ...
    @property
    def namespace(self) -> str: ...
    @property
    def resource_version(self) -> str: ...


class Kept(Protocol):
    """An object with metadata."""

    @property
    def metadata(self) -> Meta: ...


T = TypeVar("T", bound=Kept)
Key = tuple[str, str]
"""Namespace (empty for cluster-wide objects) and name."""
Indexer = Callable[[T], Iterable[str]]
"""The keys under which an object is found in an index."""
Handler = Callable[[T | None, T | None], None]
"""Told of every change as (old, new): None before it was there, None after it went."""


class Store(Generic[T]):
    """Objects by (namespace, name), and by whatever else they are looked up."""

    def __init__(self, indexes: Mapping[str, Indexer[T]] | None = None) -> None:
        self.objects: dict[Key, T] = {}
        self._indexers = dict(indexes or {})
        self._indexes: dict[str, dict[str, set[Key]]] = {name: {} for name in self._indexers}
        self._handlers: list[Handler[T]] = []

    def on_change(self, handler: Handler[T]) -> None:
        """Call this for every change from now on, at once and on the loop; it must not wait."""
        self._handlers.append(handler)

    def get(self, namespace: str, name: str) -> T | None:
        """The object as last seen."""
        return self.objects.get((namespace, name))

    def select(self, index: str, key: str) -> list[T]:
        """The objects that an index has under this key."""
        return [self.objects[found] for found in self._indexes[index].get(key, ())]

    def put(self, new: T) -> None:
        """Keep this version, unless a newer one is known already: what we write comes back late by the watch."""
        old = self.get(new.metadata.namespace, new.metadata.name)
        if old is None or not _older(new, old):
            self.replace(new)

    def discard(self, namespace: str, name: str) -> None:
        """Forget an object that was deleted; one that is not known is none."""
        self.drop((namespace, name))

    def replace(self, new: T) -> None:
        """Keep this version, even if it is older: a list is always right. A version that is known is not told."""
        key = (new.metadata.namespace, new.metadata.name)
        old = self.objects.get(key)
        if old is not None and old.metadata.resource_version == new.metadata.resource_version:
            return
        self.objects[key] = new
        if self._indexers:
            self._index(key, old, new)
        for handler in self._handlers:
            handler(old, new)

    def drop(self, key: Key) -> None:
        """Forget an object that is gone."""
        old = self.objects.pop(key, None)
        if old is None:
            return
        if self._indexers:
            self._index(key, old, None)
        for handler in self._handlers:
            handler(old, None)

    def drop_others(self, namespace: str, there: Collection[Key]) -> None:
        """After a list: forget what is not there any more, in one namespace or (empty) in all."""
        gone = [key for key in self.objects if key not in there and (not namespace or key[0] == namespace)]
        for key in gone:
            self.drop(key)

    def _index(self, key: Key, old: T | None, new: T | None) -> None:
        for name, indexer in self._indexers.items():
            index = self._indexes[name]
            before = set(indexer(old)) if old is not None else set[str]()
            after = set(indexer(new)) if new is not None else set[str]()
            for value in before - after:
                index[value].discard(key)
                if not index[value]:
                    del index[value]
            for value in after - before:
                index.setdefault(value, set()).add(key)


def _older(new: Kept, old: Kept) -> bool:
    """Versions of one resource are integers that grow, as Kubernetes 1.35 promises; of others nothing can be said."""
    fresh, known = new.metadata.resource_version, old.metadata.resource_version
    return fresh.isdigit() and known.isdigit() and int(fresh) < int(known)
