"""Scale on a number that some HTTP endpoint gives: in JSON, YAML, XML or Prometheus' text."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

import msgspec
from yarl import URL

from scaler.errors import Problem, Unreadable
from scaler.triggers.connections import Connections, EndpointView
from scaler.triggers.formats import Format, locator
from scaler.triggers.http import HttpAnswer, HttpTrigger, Request, address_problem, refused, shown_url
from scaler.triggers.http_auth import HttpAuthentication
from scaler.triggers.parameters import FloatActivation, OptionalTarget, Parameters
from scaler.triggers.texts import Duration

_AT_ONCE = 5
"""Endpoints of a Service that are asked at the same time."""


class MetricsApiParameters(Parameters, frozen=True, kw_only=True):
    """Parameters of metrics-api."""

    url: str
    """The address to ask."""
    value_location: str
    """Where the number stands: a GJSON path in JSON, ``name{label="value"}`` in Prometheus' text, else keys with
    dots."""
    target_value: OptionalTarget = None
    """What one replica should stand for; only a formula can do without."""
    activation_target_value: FloatActivation = 0.0
    """Above this number the workload is active."""
    format: Format = "json"
    """What the endpoint speaks."""
    unsafe_ssl: bool = False
    """Take any certificate."""
    timeout: Annotated[float | None, Duration()] = None
    """How long the endpoint may take."""
    aggregate_from_kube_service_endpoints: bool = False
    """The host is SERVICE.NAMESPACE: ask every address behind that Service and put the numbers together."""
    aggregation_type: Literal["average", "sum", "max", "min"] = "average"
    """How they are put together."""
    authentication: HttpAuthentication


class MetricsApi(HttpTrigger[MetricsApiParameters]):
    """One GET, or one for each address behind a Service."""

    def problems(self) -> Iterable[Problem]:
        given = self.parameters
        wrong = address_problem(given.url)
        if wrong:
            yield given.complain("url", wrong)
        elif given.aggregate_from_kube_service_endpoints and not _service(URL(given.url)):
            yield given.complain("url", "must have a host SERVICE.NAMESPACE to ask the addresses behind a Service")
        try:
            locator(given.format, given.value_location)
        except ValueError as error:
            yield given.complain("value_location", str(error))
        yield from given.authentication.faults()

    def prepare(self) -> None:
        given = self.parameters
        url = URL(given.url)
        self._locate = locator(given.format, given.value_location)
        self._place = f"metrics API {shown_url(url)}"
        self._request = given.authentication.request(url, verify=not given.unsafe_ssl)
        self._service = _service(url) if given.aggregate_from_kube_service_endpoints else None

    @property
    def metric(self) -> str:
        return f"metric-api-{self.parameters.value_location}"

    @property
    def place(self) -> str:
        return self._place

    def good(self, status: int) -> bool:
        return status == 200

    def request(self) -> Request:
        return self._request

    def value(self, answer: HttpAnswer) -> float:
        return self._locate(answer.body)

    async def read(self, io: Connections) -> float:
        if self._service is not None:
            return self._together(await self._read_each(io, *self._service))
        return await super().read(io)

    async def _read_each(self, io: Connections, service: str, namespace: str) -> list[float]:
        """The numbers of the addresses that gave one; Unreadable when none did."""
        urls = self._addresses(await io.cluster.endpoints(namespace, service))
        if not urls:
            raise Unreadable(
                f"service {service} in {namespace} has no address on a node; see whether its pods are up"
            )
        at_once = asyncio.Semaphore(_AT_ONCE)

        async def ask(url: URL) -> float | Unreadable:
            try:
                async with at_once:
                    return await self._read_one(io, url)
            except Unreadable as error:
                return error

        answers = await asyncio.gather(*map(ask, urls))
        refusals = [answer for answer in answers if isinstance(answer, Unreadable)]
        if len(refusals) == len(answers):
            raise Unreadable(f"none of the {len(urls)} addresses of {self.place} gave a number: {refusals[0].why}")
        return [answer for answer in answers if not isinstance(answer, Unreadable)]

    async def _read_one(self, io: Connections, url: URL) -> float:
        answer = await self.send(io, msgspec.structs.replace(self._request, url=url))
        if not self.good(answer.status):
            raise Unreadable(refused(shown_url(url), answer))
        try:
            return self.value(answer)
        except ValueError as error:
            raise Unreadable(f"{shown_url(url)} gave an answer that makes no sense: {error}") from error

    def _addresses(self, endpoints: Sequence[EndpointView]) -> list[URL]:
        """The URL for each address, on the URL's port where the Service has that, else on the scheme's own."""
        url = self._request.url
        return [
            url.with_host(endpoint.address).with_port(url.port if url.port in endpoint.ports else None)
            for endpoint in endpoints
        ]

    def _together(self, numbers: list[float]) -> float:
        match self.parameters.aggregation_type:
            case "average":
                return sum(numbers) / len(numbers)
            case "sum":
                return sum(numbers)
            case "max":
                return max(numbers)
            case "min":
                return min(numbers)


def _service(url: URL) -> tuple[str, str] | None:
    """Service and namespace in a host of the form SERVICE.NAMESPACE..."""
    service, _, rest = (url.host or "").partition(".")
    namespace = rest.partition(".")[0]
    return (service, namespace) if service and namespace else None
