"""SQS and STS (and whatever else of AWS moto knows), over real HTTP."""

import sys
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.servers.debian import Program
from tests.servers.server import Server


class Aws(Server):
    """moto_server in a process of its own. Set AWS_ENDPOINT_URL of what is tested to `url`."""

    patience = 60.0
    region = "eu-west-1"

    def find(self) -> Program:
        """A module of the environment that the tests run in."""
        return Program(Path(sys.executable))

    def arguments(self) -> Sequence[str]:
        return ["-m", "moto.server", "-H", self.host, "-p", str(self.port)]

    def answers(self) -> bool:
        with urllib.request.urlopen(f"{self.url}/moto-api/data.json", timeout=5) as answer:
            return bool(answer.status == 200)

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    @property
    def environment(self) -> Mapping[str, str]:
        """For a program that is to meet this AWS, with credentials that moto takes."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": self.region,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
        }

    def reset(self) -> None:
        """Everything is forgotten: queues, messages, roles."""
        request = urllib.request.Request(f"{self.url}/moto-api/reset", method="POST")
        with urllib.request.urlopen(request, timeout=10):
            pass

    def client(self, service: str) -> Any:
        """A synchronous boto3 client, for arranging a test; close it."""
        import boto3  # type: ignore[import-untyped]  # it ships no types, and this file needs but three calls

        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=self.region,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    def queue(self, name: str, **attributes: str) -> str:
        """The URL of a queue that is made now, or was with the same attributes: VisibilityTimeout="30"."""
        sqs = self.client("sqs")
        try:
            return str(sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])
        finally:
            sqs.close()

    def send(self, queue_url: str, count: int) -> None:
        sqs = self.client("sqs")
        try:
            for begin in range(0, count, 10):
                numbers = range(begin, min(begin + 10, count))
                entries = [{"Id": str(number), "MessageBody": str(number)} for number in numbers]
                sqs.send_message_batch(QueueUrl=queue_url, Entries=entries)
        finally:
            sqs.close()

    def receive(self, queue_url: str, count: int) -> int:
        """Take so many, without deleting them: they are in flight until their visibility ends. How many there were."""
        sqs = self.client("sqs")
        taken = 0
        try:
            while taken < count:
                most = min(10, count - taken)
                got = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=most).get("Messages", [])
                taken += len(got)
                if not got:
                    break
        finally:
            sqs.close()
        return taken

    def purge(self, queue_url: str) -> None:
        sqs = self.client("sqs")
        try:
            sqs.purge_queue(QueueUrl=queue_url)
        finally:
            sqs.close()
