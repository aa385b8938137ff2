"""gRPC for triggers: one channel for each address and TLS settings, and the calls of an external scaler on it.

The client library is imported when the first trigger needs it.
"""

import asyncio
import ssl
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import msgspec

from scaler.errors import Unreadable
from scaler.triggers.pool import Pool
from scaler.triggers.tls import Tls, authorities

_SERVICE = "/externalscaler.ExternalScaler/"
_OPTIONS = (("grpc.service_config", '{"loadBalancingConfig":[{"round_robin":{}}]}'),)
_REMEDIES = {
    "UNAVAILABLE": "see whether scalerAddress is right, TLS on both sides alike, and the scaler up",
    "UNIMPLEMENTED": "what answers there is no external scaler of the version needed",
    "UNAUTHENTICATED": "see whether the certificates are right",
}


class ScalerServer(msgspec.Struct, frozen=True):
    """Which server, and how it is trusted; without TLS when that is None."""

    address: str
    tls: Tls | None = None


class ScaledObjectRef(msgspec.Struct, frozen=True):
    """Who asks an external scaler, and with which parameters."""

    namespace: str
    name: str
    metadata: Mapping[str, str]


class Grpc:
    """Calls external scalers. Bound to the loop of its first use."""

    def __init__(self, *, ca_folders: tuple[str, ...] = ()) -> None:
        self._ca_folders = ca_folders
        self._channels: Pool[ScalerServer, Any] = Pool(self._make, _close)

    async def active(self, server: ScalerServer, ref: ScaledObjectRef, place: str) -> bool:
        """Whether the scaler calls the object active. Raises Unreadable, as all of these."""
        return bool((await self._call(server, "IsActive", _ref(ref), "IsActiveResponse", place)).result)

    async def targets(self, server: ScalerServer, ref: ScaledObjectRef, place: str) -> dict[str, float]:
        """The metrics that the scaler offers, each with its target."""
        answer = await self._call(server, "GetMetricSpec", _ref(ref), "GetMetricSpecResponse", place)
        return {spec.metricName: _either(spec.targetSizeFloat, spec.targetSize) for spec in answer.metricSpecs}

    async def value(self, server: ScalerServer, ref: ScaledObjectRef, metric: str, place: str) -> float:
        """What the scaler says to one metric; several numbers count together, as the HPA adds them up."""
        request = _messages().GetMetricsRequest(scaledObjectRef=_ref(ref), metricName=metric)
        answer = await self._call(server, "GetMetrics", request, "GetMetricsResponse", place)
        if not answer.metricValues:
            raise Unreadable(f"{place} gave no value for the metric {metric} that it offers")
        return sum(_either(one.metricValueFloat, one.metricValue) for one in answer.metricValues)

    async def aclose(self) -> None:
        """Close every channel."""
        await self._channels.aclose()

    async def _call(self, server: ScalerServer, method: str, request: Any, answer: str, place: str) -> Any:
        import grpc.aio

        channel = await self._channels.get(server)
        call = channel.unary_unary(
            _SERVICE + method,
            request_serializer=type(request).SerializeToString,
            response_deserializer=getattr(_messages(), answer).FromString,
        )
        try:
            return await call(request)
        except grpc.aio.AioRpcError as error:
            code = error.code().name
            remedy = _REMEDIES.get(code)
            said = f"{place} answered {method} with {code} ({error.details()})"
            raise Unreadable(f"{said}; {remedy}" if remedy else said) from error

    async def _make(self, server: ScalerServer) -> Any:
        import grpc.aio

        if server.tls is None:
            return grpc.aio.insecure_channel(server.address, options=_OPTIONS)
        for field, why in server.tls.faults():
            raise Unreadable(f"the TLS settings cannot be used: {field} {why}")
        roots, options = await self._trust(server)
        own = server.tls
        credentials = grpc.ssl_channel_credentials(
            root_certificates=roots,
            private_key=own.key.encode() if own.key else None,
            certificate_chain=own.cert.encode() if own.cert else None,
        )
        return grpc.aio.secure_channel(server.address, credentials, options=(*_OPTIONS, *options))

    async def _trust(self, server: ScalerServer) -> tuple[bytes | None, tuple[tuple[str, str], ...]]:
        """The authorities, and what else to say, so that the server is trusted as far as the settings go."""
        assert server.tls is not None
        if not server.tls.verify:
            return await _as_it_is(server.address)
        more = [text for _, text in authorities(self._ca_folders)]
        more += [server.tls.ca] if server.tls.ca else []
        if not more:
            return None, ()
        context = ssl.create_default_context()
        system = [ssl.DER_cert_to_PEM_cert(der) for der in context.get_ca_certs(binary_form=True)]
        return "\n".join([*system, *more]).encode(), ()


async def _as_it_is(address: str) -> tuple[bytes, tuple[tuple[str, str], ...]]:
    """Trust for the very certificate that the server shows: gRPC has no way to trust just any."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    host, _, port = address.removeprefix("dns:///").rpartition(":")
    try:
        _, writer = await asyncio.open_connection(host.strip("[]"), int(port), ssl=context)
    except (OSError, ValueError) as error:
        raise Unreadable(f"external scaler {address} cannot be reached: {error}") from error
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    return ssl.DER_cert_to_PEM_cert(shown).encode(), (("grpc.ssl_target_name_override", _name_in(shown)),)


def _name_in(certificate: bytes) -> str:
    """A name that the certificate is for."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    parsed = x509.load_der_x509_certificate(certificate)
    try:
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        common = parsed.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(common[0].value) if common else ""
    return next((str(name.value) for name in names), "")


def _messages() -> Any:
    """The generated messages, which have no types a checker could see."""
    return import_module("scaler.triggers.externalscaler_pb2")


def _ref(ref: ScaledObjectRef) -> Any:
    return _messages().ScaledObjectRef(name=ref.name, namespace=ref.namespace, scalerMetadata=dict(ref.metadata))


def _either(number: float, whole: int) -> float:
    """Upstream's rule: a float above zero wins over the whole number."""
    return number if number > 0 else float(whole)


async def _close(channel: Any) -> None:
    await channel.close()
