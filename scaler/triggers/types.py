"""The trigger types of this build: a name in spec.triggers, and the class that reads it. The list is the registry."""

from typing import Any

from scaler.triggers.aws_sqs_queue import AwsSqsQueue
from scaler.triggers.contract import Trigger

TYPES: dict[str, type[Trigger[Any]]] = {
    "aws-sqs-queue": AwsSqsQueue,
}
