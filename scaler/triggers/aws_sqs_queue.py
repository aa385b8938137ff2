"""Scale on the messages waiting in an Amazon SQS queue."""

from collections.abc import Hashable, Iterable
from typing import Annotated
from urllib.parse import urlsplit

from scaler.errors import Problem, Unreadable
from scaler.triggers.aws import AwsAuthorization
from scaler.triggers.connections import Connections
from scaler.triggers.contract import Trigger
from scaler.triggers.parameters import Activation, Field, Parameters, Target

_WAITING = "ApproximateNumberOfMessages"
_IN_FLIGHT = "ApproximateNumberOfMessagesNotVisible"
_DELAYED = "ApproximateNumberOfMessagesDelayed"


class AwsSqsQueueParameters(Parameters, frozen=True, kw_only=True):
    """Parameters of aws-sqs-queue."""

    queue_url: Annotated[str, Field("queueURL", "me")]
    """The queue's URL, or its bare name."""
    aws_region: Annotated[str, Field(sources="ma")]
    """The queue's region, such as eu-west-1."""
    queue_length: Target = 5
    """Messages one replica can work on."""
    activation_queue_length: Activation = 0
    """Above this many messages the workload is active."""
    scale_on_in_flight: bool = True
    """Count the messages that are being worked on."""
    scale_on_delayed: bool = False
    """Count the messages that are not yet to be worked on."""
    aws_endpoint: str = ""
    """Where to call SQS instead of Amazon's own address."""
    authorization: AwsAuthorization


class AwsSqsQueue(Trigger[AwsSqsQueueParameters]):
    """Asks for the queue's attributes: one call."""

    library = "aws"

    def prepare(self) -> None:
        given = self.parameters
        self._caller = given.authorization.caller(given.aws_region, self.context.identity)
        counted = {_WAITING: True, _IN_FLIGHT: given.scale_on_in_flight, _DELAYED: given.scale_on_delayed}
        self._attributes = [name for name, wanted in counted.items() if wanted]

    def problems(self) -> Iterable[Problem]:
        if not queue_name(self.parameters.queue_url):
            yield self.parameters.complain(
                "queue_url", "has no queue in it: write it as https://sqs.REGION.amazonaws.com/ACCOUNT/QUEUE"
            )
        yield from self.parameters.authorization.refusals(self.context.identity)

    @property
    def metric(self) -> str:
        return f"aws-sqs-{queue_name(self.parameters.queue_url)}"

    @property
    def place(self) -> str:
        return f"SQS queue {self.parameters.queue_url}"

    def source(self) -> Hashable:
        return (super().source(), self._caller)

    async def read(self, io: Connections) -> float:
        answer = await io.aws.call(
            self._caller,
            "sqs",
            self.parameters.aws_endpoint,
            "get_queue_attributes",
            self.place,
            QueueUrl=self.parameters.queue_url,
            AttributeNames=self._attributes,
        )
        counts = answer.get("Attributes", {})
        missing = [name for name in self._attributes if name not in counts]
        if missing:
            raise Unreadable(f"{self.place} answered without {', '.join(missing)}; see whether awsEndpoint is SQS")
        return float(sum(int(counts[name]) for name in self._attributes))


def queue_name(url: str) -> str:
    """The queue in a URL of the form SCHEME://HOST/ACCOUNT/QUEUE, the text itself when it is no URL; else empty."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if not url.startswith("/") and not parts.scheme:
        return url
    pieces = parts.path.split("/")
    return pieces[2] if len(pieces) == 3 else ""
