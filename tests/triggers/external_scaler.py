"""A real external scaler over gRPC that answers as a test says."""

import asyncio
from importlib import import_module
from typing import Any, Self

import grpc
import grpc.aio

messages: Any = import_module("scaler.triggers.externalscaler_pb2")


class ExternalScaler:
    """Set the attributes; `asked` remembers the calls as (method, request)."""

    def __init__(self, credentials: Any = None) -> None:
        self.active = True
        self.specs = [messages.MetricSpec(metricName="jobs", targetSize=5)]
        self.values: dict[str, list[Any]] = {"jobs": [messages.MetricValue(metricName="jobs", metricValue=12)]}
        self.delay = 0.0
        self.refusal: tuple[Any, str] | None = None
        self.asked: list[tuple[str, Any]] = []
        self._credentials = credentials

    async def __aenter__(self) -> Self:
        self._server = grpc.aio.server()
        handlers = {
            "IsActive": self._method("IsActive", "ScaledObjectRef", self._is_active),
            "GetMetricSpec": self._method("GetMetricSpec", "ScaledObjectRef", self._get_metric_spec),
            "GetMetrics": self._method("GetMetrics", "GetMetricsRequest", self._get_metrics),
        }
        service = grpc.method_handlers_generic_handler("externalscaler.ExternalScaler", handlers)
        self._server.add_generic_rpc_handlers((service,))
        if self._credentials is None:
            self.port = self._server.add_insecure_port("127.0.0.1:0")
        else:
            self.port = self._server.add_secure_port("127.0.0.1:0", self._credentials)
        await self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop(None)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def _method(self, name: str, request: str, answer: Any) -> Any:
        async def handle(asked: Any, context: Any) -> Any:
            self.asked.append((name, asked))
            await asyncio.sleep(self.delay)
            if self.refusal is not None:
                await context.abort(*self.refusal)
            return answer(asked)

        return grpc.unary_unary_rpc_method_handler(
            handle,
            request_deserializer=getattr(messages, request).FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )

    def _is_active(self, _: Any) -> Any:
        return messages.IsActiveResponse(result=self.active)

    def _get_metric_spec(self, _: Any) -> Any:
        return messages.GetMetricSpecResponse(metricSpecs=self.specs)

    def _get_metrics(self, request: Any) -> Any:
        return messages.GetMetricsResponse(metricValues=self.values.get(request.metricName, []))
