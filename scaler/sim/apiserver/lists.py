"""Lists in portions: `limit` and `continue`, over one consistent view.

A view is kept for as long as a reader may want the rest of it, the latest few dozen; later ones get 410.
"""

import base64
import binascii
from collections import OrderedDict
from collections.abc import Mapping, Sequence

import msgspec

from scaler.sim.apiserver import refusals
from scaler.sim.apiserver.registry import Registry, Served
from scaler.sim.apiserver.store import Object, Stored
from scaler.sim.apiserver.watches import Selection

KEPT_VIEWS = 64
TOO_LATE = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list "
    "without the continue parameter."
)


class Page(msgspec.Struct, frozen=True):
    """One portion of a list, and what its ListMeta says."""

    items: Sequence[Stored]
    meta: Object


class Token(msgspec.Struct, frozen=True):
    """What `continue` carries."""

    view: int
    start: int


class _View(msgspec.Struct, frozen=True):
    version: int
    items: Sequence[Stored]
    countable: bool


class Lists:
    """Answers lists, and remembers the views of those that are not read to their end yet."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._views: OrderedDict[int, _View] = OrderedDict()
        self._next = 0

    def page(self, served: Served, chosen: Selection, query: Mapping[str, str]) -> Page:
        """The portion that the query asks for."""
        limit = _number(query, "limit")
        token = query.get("continue", "")
        if token:
            return self._portion(_read(token), limit)
        self._check_version(query)
        items = [item for item in self._all(served, chosen) if chosen.everything or chosen.matches(item.object)]
        version = self.registry.store.version
        if not limit or len(items) <= limit:
            return Page(items, {"resourceVersion": str(version)})
        self._next += 1
        countable = chosen.labels is None and chosen.fields is None
        self._views[self._next] = _View(version, items, countable)
        if len(self._views) > KEPT_VIEWS:
            self._views.popitem(last=False)
        return self._portion(Token(self._next, 0), limit)

    def _all(self, served: Served, chosen: Selection) -> Sequence[Stored]:
        return self.registry.list(served, chosen.namespace)

    def _portion(self, token: Token, limit: int) -> Page:
        view = self._views.get(token.view)
        if view is None:
            raise refusals.expired(TOO_LATE)
        end = token.start + limit if limit else len(view.items)
        meta: Object = {"resourceVersion": str(view.version)}
        if end < len(view.items):
            meta["continue"] = _written(Token(token.view, end))
            if view.countable:
                meta["remainingItemCount"] = len(view.items) - end
        else:
            del self._views[token.view]
        return Page(view.items[token.start : end], meta)

    def _check_version(self, query: Mapping[str, str]) -> None:
        """Our one view is always the newest, so only the future and an exact past cannot be had."""
        wanted, match = _number(query, "resourceVersion"), query.get("resourceVersionMatch", "")
        current = self.registry.store.version
        if wanted > current:
            message = f"Timeout: Too large resource version: {wanted}, current: {current}"
            cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
            raise refusals.Refusal(504, "Timeout", message, {"causes": [cause], "retryAfterSeconds": 1})
        if match == "Exact" and wanted != current:
            raise refusals.too_old(wanted, current)


def _number(query: Mapping[str, str], name: str) -> int:
    text = query.get(name, "") or "0"
    try:
        return max(int(text), 0)
    except ValueError:
        raise refusals.bad_request(f'invalid {name}: Invalid value: "{text}": it is no whole number') from None


def _written(token: Token) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(token)).decode()


def _read(text: str) -> Token:
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(text), type=Token)
    except (msgspec.DecodeError, binascii.Error, ValueError) as error:
        raise refusals.bad_request(f"invalid continue token: continue key is not valid: {error}") from error
