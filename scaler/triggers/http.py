"""One HTTP call as a value, and triggers that are no more than one: a request and what its answer says.

It sends nothing; `scaler.triggers.connections_http` does.
"""

import abc
import functools
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec
from multidict import CIMultiDict
from yarl import URL

from scaler.errors import Unreadable
from scaler.horizontal.metric_names import metric_name
from scaler.triggers.contract import Trigger
from scaler.triggers.parameters import Parameters
from scaler.triggers.tls import Tls

if TYPE_CHECKING:
    from scaler.triggers.connections import Connections

P = TypeVar("P", bound=Parameters)

PLAIN = Tls()
_EXCERPT = 160


class OAuthClient(msgspec.Struct, frozen=True):
    """Who asks an OAuth 2 server for a token (client credentials)."""

    token_url: str
    client_id: str
    client_secret: str
    scopes: tuple[str, ...] = ()
    endpoint_params: tuple[tuple[str, str], ...] = ()
    tls: Tls = PLAIN


class Request(msgspec.Struct, frozen=True):
    """One GET, made ready so that sending it again costs as little as can be."""

    url: URL
    headers: CIMultiDict[str]
    tls: Tls = PLAIN
    oauth: OAuthClient | None = None
    """Get a token from there first."""


class Asker(msgspec.Struct, frozen=True):
    """For whom a request is sent, in the words of upstream's metrics."""

    namespace: str
    scaled_resource: str
    scaler: str
    """The trigger's type."""
    trigger_name: str
    metric_name: str


class HttpAnswer(msgspec.Struct, frozen=True):
    """What a server said."""

    status: int
    body: bytes
    retry_after: str = ""


class HttpTrigger(Trigger[P], Generic[P]):
    """A trigger whose source is one HTTP call."""

    @abc.abstractmethod
    def request(self) -> Request:
        """What to send."""

    @abc.abstractmethod
    def value(self, answer: HttpAnswer) -> float:
        """The number in a good answer; ValueError says what is wrong with it."""

    def good(self, status: int) -> bool:
        """Whether an answer of this status has the number."""
        return 200 <= status < 300

    async def read(self, io: "Connections") -> float:
        answer = await self.send(io, self.request())
        if not self.good(answer.status):
            raise Unreadable(refused(self.place, answer))
        return self.value(answer)

    async def send(self, io: "Connections", request: Request) -> HttpAnswer:
        """Send it; types whose requests carry a time or a signature put it there here."""
        return await io.http.get(request, self.place, self.asker)

    @functools.cached_property
    def asker(self) -> Asker:
        """For whom it asks; of triggers that share a question, the one that put it."""
        about, entry = self.context, self.entry
        return Asker(about.namespace, about.name, entry.type, entry.name, metric_name(about.index, self.metric))


def refused(place: str, answer: HttpAnswer) -> str:
    """Why an answer without a number is a failure, with what is to be done about the usual ones."""
    remedy = {
        401: "; see whether the authentication is right",
        403: "; see whether the authentication may read this",
        404: "; see whether the address is right",
        429: "; ask less often, or raise the source's limit",
    }.get(answer.status, "")
    said = excerpt(answer.body)
    return f"{place} answered {answer.status}{f' ({said})' if said else ''}{remedy}"


def excerpt(body: bytes) -> str:
    """The beginning of an answer in one line, for a message."""
    text = " ".join(body[: 4 * _EXCERPT].decode(errors="replace").split())
    return text if len(text) <= _EXCERPT else f"{text[: _EXCERPT - 3]}..."


def shown_url(url: URL) -> str:
    """The address without what may be secret in it: user, password, query and fragment."""
    return str(url.with_user(None).with_query(None).with_fragment(None)) if url.absolute else url.path


def address_problem(text: str) -> str:
    """What is wrong with an address over HTTP; empty when nothing is."""
    try:
        url = URL(text)
    except ValueError as error:
        return f"is not an address: {error}"
    if url.scheme not in {"http", "https"} or not url.host:
        return "is not an address such as http://host:port/path"
    return ""
