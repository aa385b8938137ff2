"""Who asks over HTTP: the authentication parameters that all HTTP types share.

Source: upstream's authModes and what each of them needs.
"""

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Literal

from multidict import CIMultiDict
from yarl import URL

from scaler.errors import Problem
from scaler.triggers.http import OAuthClient, Request
from scaler.triggers.parameters import Field, Parameters, Role, Secret
from scaler.triggers.texts import Exclusive, UrlQuery
from scaler.triggers.tls import Tls

Mode = Literal["apiKey", "basic", "tls", "bearer", "custom", "oauth"]

_NEEDS: dict[Mode, tuple[str, ...]] = {
    "apiKey": ("api_key",),
    "basic": ("username",),
    "tls": ("cert", "key"),
    "bearer": ("bearer_token",),
    "custom": ("custom_auth_header", "custom_auth_value"),
    "oauth": ("oauth_token_uri", "client_id", "client_secret"),
}


class HttpAuthentication(Parameters, frozen=True, kw_only=True):
    """Who asks."""

    modes: Annotated[
        tuple[Mode, ...], Field("authModes", "ma", aliases=("authMode",)), Exclusive(("bearer", "basic", "oauth"))
    ] = ()
    """How to show who asks, several with commas; bearer, basic and oauth exclude each other."""
    bearer_token: Annotated[Secret, Field(sources="a", aliases=("token",))] = ""
    """For bearer."""
    username: Annotated[str, Field(sources="a")] = ""
    """For basic."""
    password: Annotated[Secret, Field(sources="a")] = ""
    """For basic."""
    cert: Annotated[str, Field(sources="a")] = ""
    """For tls: PEM of our certificate."""
    key: Annotated[Secret, Field(sources="a")] = ""
    """For tls: PEM of its key."""
    ca: Annotated[str, Field(sources="a")] = ""
    """PEM of the authority to trust."""
    oauth_token_uri: Annotated[str, Field("oauthTokenURI", "a")] = ""
    """For oauth: where tokens are given."""
    client_id: Annotated[str, Field("clientID", "a")] = ""
    """For oauth."""
    client_secret: Annotated[Secret, Field(sources="a")] = ""
    """For oauth."""
    scopes: Annotated[tuple[str, ...], Field(sources="a", aliases=("scope",))] = ()
    """For oauth."""
    endpoint_params: Annotated[dict[str, tuple[str, ...]], Field(sources="a"), UrlQuery()] = {}
    """For oauth: more that the token server wants, as the query of a URL."""
    api_key: Annotated[str, Field(sources="ma"), Role.SECRET] = ""
    """For apiKey."""
    method: Annotated[Literal["header", "query"], Field(sources="ma")] = "header"
    """For apiKey: where it is put."""
    key_param_name: Annotated[str, Field(sources="ma")] = ""
    """For apiKey: its name there, X-API-KEY or api_key when empty."""
    custom_auth_header: Annotated[str, Field(sources="a")] = ""
    """For custom: the header's name."""
    custom_auth_value: Annotated[Secret, Field(sources="a")] = ""
    """For custom: its value."""

    def problems(self) -> Iterable[Problem]:
        for mode in self.modes:
            for field in _NEEDS[mode]:
                if not getattr(self, field):
                    yield self.complain(field, f"is required for authModes {mode}")

    def faults(self) -> Iterator[Problem]:
        """What is wrong with the certificates, which the declaration does not look into."""
        for field, why in self.tls(verify=True).faults():
            yield Problem(f"authentication.{field}", why)

    def tls(self, *, verify: bool) -> Tls:
        """Whom to trust, and our certificate where that mode is on."""
        own = (self.cert, self.key) if "tls" in self.modes else ("", "")
        return Tls(verify, self.ca if self.modes else "", *own)

    def request(self, url: URL, *, verify: bool, headers: Mapping[str, str] | None = None) -> Request:
        """The GET of that address as whoever asks."""
        given = CIMultiDict(headers or {})
        if "apiKey" in self.modes:
            if self.method == "query":
                url = url.update_query({self.key_param_name or "api_key": self.api_key})
            else:
                given[self.key_param_name or "X-API-KEY"] = self.api_key
        if "basic" in self.modes:
            given["Authorization"] = f"Basic {b64encode(f'{self.username}:{self.password}'.encode()).decode()}"
        if "bearer" in self.modes:
            given["Authorization"] = f"Bearer {self.bearer_token}"
        if "custom" in self.modes:
            given[self.custom_auth_header] = self.custom_auth_value
        return Request(url, given, self.tls(verify=verify), self._oauth(verify=verify))

    def _oauth(self, *, verify: bool) -> OAuthClient | None:
        if "oauth" not in self.modes:
            return None
        more = tuple((key, value) for key, values in self.endpoint_params.items() for value in values)
        tls = self.tls(verify=verify)
        return OAuthClient(self.oauth_token_uri, self.client_id, self.client_secret, self.scopes, more, tls)
