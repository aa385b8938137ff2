"""Scale on what a scaler of one's own says, over gRPC: a service anybody may write, in any language."""

import asyncio
from collections.abc import Hashable, Iterable
from typing import Annotated

from scaler.errors import Problem, Unreadable
from scaler.triggers.connections import Connections
from scaler.triggers.connections_grpc import ScaledObjectRef, ScalerServer
from scaler.triggers.contract import MetricOffer, Shown, Trigger
from scaler.triggers.parameters import Field, Parameters, Secret
from scaler.triggers.tls import Tls

_FROM_ENV = "FromEnv"


class ExternalParameters(Parameters, frozen=True, kw_only=True):
    """Parameters of external; whatever else stands in the metadata is passed on to the scaler."""

    scaler_address: str
    """host:port of the scaler."""
    enable_tls: Annotated[bool, Field("enableTLS")] = False
    """Speak TLS; so does a certificate of either side."""
    unsafe_ssl: bool = False
    """Take the certificate that the scaler shows, whatever it is."""
    ca_cert: Annotated[str, Field(sources="a")] = ""
    """PEM of the authority to trust."""
    tls_client_cert: Annotated[str, Field(sources="a")] = ""
    """PEM of our certificate."""
    tls_client_key: Annotated[Secret, Field(sources="a")] = ""
    """PEM of its key."""

    def tls(self) -> Tls | None:
        """How the scaler is trusted; None without TLS."""
        if not (self.enable_tls or self.ca_cert or self.tls_client_cert):
            return None
        return Tls(not self.unsafe_ssl, self.ca_cert, self.tls_client_cert, self.tls_client_key)


_FIELDS = {"ca": "ca_cert", "cert": "tls_client_cert", "key": "tls_client_key"}


class External(Trigger[ExternalParameters]):
    """Asks the scaler which metrics there are, what they are, and whether it calls the object active."""

    library = "grpc"
    dynamic = True
    open_metadata = True

    def problems(self) -> Iterable[Problem]:
        host, _, port = self.parameters.scaler_address.rpartition(":")
        if not host or not port.isdigit():
            yield self.parameters.complain("scaler_address", "is not of the form host:port")
        tls = self.parameters.tls()
        for field, why in tls.faults() if tls else ():
            yield self.parameters.complain(_FIELDS[field], why)

    def prepare(self) -> None:
        self._server = ScalerServer(self.parameters.scaler_address, self.parameters.tls())
        self._ref = ScaledObjectRef(self.context.namespace, self.context.name, self._passed_on())
        self._offers: tuple[MetricOffer, ...] = ()

    def _passed_on(self) -> dict[str, str]:
        """The metadata as the scaler gets it: ``xFromEnv`` holds the variable's value, or is left out."""
        passed = {}
        for key, value in self.entry.metadata.items():
            resolved = self.context.env.get(value, "") if key.endswith(_FROM_ENV) else value
            if resolved or not key.endswith(_FROM_ENV):
                passed[key] = resolved
        return passed

    @property
    def metric(self) -> str:
        return "external"

    @property
    def place(self) -> str:
        return f"external scaler {self.parameters.scaler_address}"

    def source(self) -> Hashable:
        ref = self._ref
        return (super().source(), ref.namespace, ref.name, tuple(sorted(ref.metadata.items())))

    async def offers(self, io: Connections) -> tuple[MetricOffer, ...]:
        targets = await io.grpc.targets(self._server, self._ref, self.place)
        if not targets:
            raise Unreadable(f"{self.place} offers no metric: its GetMetricSpec gave an empty list")
        wrong = [name for name, target in targets.items() if not target > 0]
        if wrong:
            raise Unreadable(f"{self.place} offers {', '.join(wrong)} with a target that is not above 0")
        self._offers = tuple(MetricOffer(name, target) for name, target in targets.items())
        return self._offers

    async def show(self, io: Connections) -> Shown:
        offers = self._offers or await self.offers(io)
        active, *values = await asyncio.gather(
            io.grpc.active(self._server, self._ref, self.place),
            *(io.grpc.value(self._server, self._ref, offer.name, self.place) for offer in offers),
        )
        return Shown({offer.name: value for offer, value in zip(offers, values, strict=True)}, bool(active))
