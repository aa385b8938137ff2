"""In which shape objects are answered: whole, as a table for kubectl, or their metadata alone.

The Accept header chooses. Each shape renders one object, a list, and the object of a watch event.
Source: the meta.k8s.io content types (``as=Table``, ``as=PartialObjectMetadata``).
"""

import re
from collections.abc import Sequence
from typing import Any, Protocol

from scaler.sim.apiserver.registry import Served
from scaler.sim.apiserver.store import Object, Stored, encode

AS = re.compile(r"as=(\w+)")


class Shape(Protocol):
    """How objects go over the wire."""

    def one(self, served: Served, stored: Stored, /) -> bytes:
        """One object."""
        ...

    def many(self, served: Served, items: Sequence[Stored], meta: Object, /) -> bytes:
        """A list; `meta` is its ListMeta."""
        ...

    def bookmark(self, served: Served, meta: Object, /) -> bytes:
        """The object of a bookmark event."""
        ...


def chosen(accept: str, include: str, now: float) -> Shape:
    """The first shape of the Accept header that is known; `include` is the includeObject of the query."""
    for part in accept.split(",") if "as=" in accept else ():
        match = AS.search(part)
        if "json" not in part:
            continue
        if match is None:
            return WHOLE
        if match[1] == "Table" and "v1beta1" not in part:
            return TableShape(include or "Metadata", now)
        if match[1] in {"PartialObjectMetadata", "PartialObjectMetadataList"}:
            return PARTIAL
    return WHOLE


class Whole:
    """The objects themselves; items of a built-in list leave out what the list says, as in the real server."""

    def one(self, served: Served, stored: Stored) -> bytes:
        return served.rendered(stored)

    def many(self, served: Served, items: Sequence[Stored], meta: Object) -> bytes:
        resource = served.resource
        kind = resource.list_kind or f"{resource.kind}List"
        if resource.custom:
            meta = {"continue": "", **meta}
        head = encode({"kind": kind, "apiVersion": served.api_version, "metadata": meta})[:-1]
        if resource.custom:
            rendered = [served.rendered(item) for item in items]
        else:
            said = len(encode({"apiVersion": served.api_version, "kind": resource.kind}))
            rendered = [b"{" + served.rendered(item)[said:] for item in items]
        return head + b',"items":[' + b",".join(rendered) + b"]}"

    def bookmark(self, served: Served, meta: Object) -> bytes:
        return encode({"kind": served.resource.kind, "apiVersion": served.api_version, "metadata": meta})


class Partial:
    """PartialObjectMetadata: what garbage collectors and caches of owners need."""

    API = "meta.k8s.io/v1"

    def _of(self, stored: Stored) -> Object:
        return {"kind": "PartialObjectMetadata", "apiVersion": self.API, "metadata": stored.object["metadata"]}

    def one(self, _: Served, stored: Stored) -> bytes:
        return encode(self._of(stored))

    def many(self, _: Served, items: Sequence[Stored], meta: Object) -> bytes:
        listed = [self._of(item) for item in items]
        return encode(
            {"kind": "PartialObjectMetadataList", "apiVersion": self.API, "metadata": meta, "items": listed}
        )

    def bookmark(self, _: Served, meta: Object) -> bytes:
        return encode({"kind": "PartialObjectMetadata", "apiVersion": self.API, "metadata": meta})


class TableShape:
    """A Table: the columns of the kind, a row an object, and as much of the object as was asked for."""

    def __init__(self, include: str, now: float) -> None:
        self.include = include
        self.now = now
        self._introduced = False

    def one(self, served: Served, stored: Stored) -> bytes:
        meta = {"resourceVersion": stored.object["metadata"].get("resourceVersion", "")}
        return self._table(served, [stored], meta)

    def many(self, served: Served, items: Sequence[Stored], meta: Object) -> bytes:
        return self._table(served, items, meta)

    def bookmark(self, served: Served, meta: Object) -> bytes:
        return self._table(served, [], meta)

    def _table(self, served: Served, items: Sequence[Stored], meta: Object) -> bytes:
        """The columns are described in the first answer only; in a watch the later ones go without."""
        described = [] if self._introduced else [_described(column) for column in served.version.columns]
        self._introduced = True
        return encode(
            {
                "kind": "Table",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": meta,
                "columnDefinitions": described,
                "rows": [self._row(served, item) for item in items],
            }
        )

    def _row(self, served: Served, stored: Stored) -> Object:
        cells = [column.read(stored.object, self.now) for column in served.version.columns]
        return {"cells": cells, **self._attached(served, stored)}

    def _attached(self, served: Served, stored: Stored) -> Object:
        if self.include == "None":
            return {"object": None}
        if self.include == "Object":
            return {"object": served.shown(stored)}
        return {"object": PARTIAL._of(stored)}  # noqa: SLF001 - shapes of one family


def _described(column: Any) -> Object:
    return {
        "name": column.name,
        "type": column.type,
        "format": column.format,
        "description": column.description,
        "priority": column.priority,
    }


WHOLE = Whole()
PARTIAL = Partial()
