"""Scale on the result of a Prometheus query, from Prometheus itself or whatever speaks its API."""

import math
from collections.abc import Hashable, Iterable
from typing import Annotated
from urllib.parse import quote_plus, urlencode

import msgspec
from yarl import URL

from scaler.clock import to_rfc3339_micro
from scaler.errors import Problem, Unreadable
from scaler.triggers.aws import AwsAuthorization, AwsCaller
from scaler.triggers.connections import Connections
from scaler.triggers.contract import Assumed
from scaler.triggers.http import HttpAnswer, HttpTrigger, Request, address_problem, shown_url
from scaler.triggers.http_auth import HttpAuthentication
from scaler.triggers.parameters import Field, FloatActivation, FloatTarget, Parameters
from scaler.triggers.texts import Duration

_AMAZON = "aps"
"""Name of Amazon Managed Prometheus in signatures."""


class PrometheusParameters(Parameters, frozen=True, kw_only=True):
    """Parameters of prometheus."""

    server_address: str
    """Address of the server, up to before /api/v1."""
    query: str
    """A PromQL query whose result is one number."""
    threshold: FloatTarget
    """What one replica should stand for."""
    activation_threshold: FloatActivation = 0.0
    """Above this result the workload is active."""
    namespace: str = ""
    """Added to the request as its namespace, for servers that want one."""
    query_parameters: dict[str, str] = {}
    """More to add to the request: key=value, several with commas."""
    custom_headers: dict[str, str] = {}
    """Headers to send: key=value, several with commas."""
    ignore_null_values: bool = True
    """Take no result, NaN and infinity for 0; an error otherwise."""
    unsafe_ssl: bool = False
    """Take any certificate."""
    timeout: Annotated[float | None, Duration()] = None
    """How long the server may take."""
    aws_region: Annotated[str, Field(sources="ma")] = ""
    """Region of an Amazon Managed Prometheus: requests are signed."""
    authentication: HttpAuthentication
    aws: AwsAuthorization


class _Series(msgspec.Struct, frozen=True):
    value: tuple[float, str] | None = None
    values: msgspec.Raw | None = None


class _Data(msgspec.Struct, frozen=True, rename="camel"):
    result_type: str
    result: msgspec.Raw


class _Result(msgspec.Struct, frozen=True):
    data: _Data


_results = msgspec.json.Decoder(_Result)
_vectors = msgspec.json.Decoder(list[_Series])
_scalars = msgspec.json.Decoder(tuple[float, str])


class Prometheus(HttpTrigger[PrometheusParameters]):
    """One instant query, for the present moment."""

    def problems(self) -> Iterable[Problem]:
        given, identity = self.parameters, self.context.identity
        wrong = address_problem(given.server_address)
        if wrong:
            yield given.complain("server_address", wrong)
        yield from given.authentication.faults()
        if identity is None or identity.provider == "none":
            return
        if given.authentication.modes:
            yield Problem("metadata.authModes", f"and podIdentity {identity.provider} exclude each other")
        elif identity.provider in {"azure-workload", "gcp"}:
            yield Problem(
                "authentication.podIdentity",
                f"of provider {identity.provider} is not known to this build: use authModes, or provider aws",
            )

    def prepare(self) -> None:
        given = self.parameters
        self._caller = self._signer()
        self.library = None if self._caller is None else "aws"
        fixed = {"query": given.query} | ({"namespace": given.namespace} if given.namespace else {})
        server = URL(given.server_address.rstrip("/"))
        self._place = f"Prometheus {shown_url(server)}"
        self._request = given.authentication.request(
            URL(f"{server}/api/v1/query?{urlencode(fixed | given.query_parameters)}", encoded=True),
            verify=not given.unsafe_ssl,
            headers=given.custom_headers,
        )

    @property
    def metric(self) -> str:
        return "prometheus"

    @property
    def place(self) -> str:
        return self._place

    def source(self) -> Hashable:
        return (super().source(), self._caller)

    def request(self) -> Request:
        return self._request

    async def send(self, io: Connections, request: Request) -> HttpAnswer:
        # With fractions, where upstream cuts them off: cut, the newest sample may be a second too new to be seen.
        url = URL(f"{request.url}&time={quote_plus(to_rfc3339_micro(io.now()))}", encoded=True)
        request = msgspec.structs.replace(request, url=url)
        if self._caller is not None:
            signature = await io.aws.signed(self._caller, _AMAZON, str(request.url), self.place)
            headers = request.headers.copy()
            headers.update(signature)
            request = msgspec.structs.replace(request, headers=headers)
        return await super().send(io, request)

    def value(self, answer: HttpAnswer) -> float:
        data = _results.decode(answer.body).data
        if data.result_type == "scalar":
            return self._number(_scalars.decode(data.result)[1])
        if data.result_type != "vector":
            raise ValueError(f"the query gives a {data.result_type}; write one that gives a single number for now")
        series = _vectors.decode(data.result)
        if len(series) > 1:
            raise ValueError(f"the query gives {len(series)} series; write one that gives one, as by sum()")
        if not series or series[0].value is None:
            return self._nothing("no result")
        return self._number(series[0].value[1])

    def _number(self, text: str) -> float:
        value = float(text)
        return value if math.isfinite(value) else self._nothing(text)

    def _nothing(self, what: str) -> float:
        if self.parameters.ignore_null_values:
            return Assumed(0.0)
        raise Unreadable(
            f"{self.place} gave {what} for the query {self.parameters.query}; is what it measures there?"
        )

    def _signer(self) -> AwsCaller | None:
        """Who signs: nobody but for Amazon's, and there only who is known."""
        given, identity = self.parameters, self.context.identity
        if not given.aws_region or given.authentication.modes or any(given.aws.refusals(identity)):
            return None
        return given.aws.caller(given.aws_region, identity)
