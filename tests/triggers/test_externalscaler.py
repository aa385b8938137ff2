"""The generated gRPC messages follow their declaration."""

from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

from grpc_tools import protoc

FOLDER = Path(__file__).parents[2] / "scaler" / "triggers"


def test_the_messages_are_what_the_proto_file_says(tmp_path: Path) -> None:
    included = files("grpc_tools") / "_proto"
    arguments = ["", f"-I{FOLDER}", f"-I{included}", f"--python_out={tmp_path}", "externalscaler.proto"]
    assert protoc.main(arguments) == 0
    again, kept = (folder.joinpath("externalscaler_pb2.py").read_text() for folder in (tmp_path, FOLDER))
    assert serialized(again) == serialized(kept)


def serialized(module: str) -> str:
    """The line with the descriptors: the rest follows the generator's version."""
    return next(line for line in module.splitlines() if "AddSerializedFile" in line)


def test_the_numbers_are_those_of_the_wire_contract() -> None:
    messages: Any = import_module("scaler.triggers.externalscaler_pb2")
    numbers = {
        name: {field.name: field.number for field in message.fields}
        for name, message in messages.DESCRIPTOR.message_types_by_name.items()
    }
    assert numbers == {
        "ScaledObjectRef": {"name": 1, "namespace": 2, "scalerMetadata": 3},
        "IsActiveResponse": {"result": 1},
        "GetMetricSpecResponse": {"metricSpecs": 1},
        "MetricSpec": {"metricName": 1, "targetSize": 2, "targetSizeFloat": 3},
        "GetMetricsRequest": {"scaledObjectRef": 1, "metricName": 2},
        "GetMetricsResponse": {"metricValues": 1},
        "MetricValue": {"metricName": 1, "metricValue": 2, "metricValueFloat": 3},
    }
