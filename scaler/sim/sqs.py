"""Amazon SQS over loopback HTTP, for the queues of a simulated world.

Speaks the AWS JSON 1.0 protocol, as far as scalers, workers and people trying things need it; signatures are not
checked. It can be told to fail for a while. Messages cost nothing until somebody sends or receives one.
"""

import asyncio
import hashlib
import uuid
from collections import Counter, deque
from collections.abc import Callable
from typing import Any, Literal, Self

import msgspec
from aiohttp import web

from scaler.sim.world import Queue, Queues

Object = dict[str, Any]
Ailment = Literal["error", "throttle", "hang"]

ACCOUNT = "000000000000"
CONTENT_TYPE = "application/x-amz-json-1.0"
VISIBILITY = 30.0
"""Seconds until a message that was received and not deleted comes back."""
POLL = 0.1


class SqsError(Exception):
    """An answer with an error code of SQS."""

    def __init__(self, kind: str, message: str, query_code: str = "", status: int = 400) -> None:
        super().__init__(message)
        self.kind = kind
        self.query_code = query_code or kind
        self.status = status


class Letters:
    """The messages of a queue that somebody has sent or received."""

    def __init__(self) -> None:
        self.bodies: deque[tuple[str, str]] = deque()
        """Sent and not yet received: identifier and body."""
        self.away: dict[str, tuple[float, str, str]] = {}
        """Received and not deleted: by receipt handle, when they come back, identifier and body."""
        self.delayed: list[tuple[float, str, str]] = []


class SqsEndpoint:
    """Use it with ``async with``; it listens at `url` from then on."""

    def __init__(self, world: Queues, *, port: int = 0) -> None:
        self.world = world
        self.port = port
        self.requests: Counter[str] = Counter()
        """Calls by action."""
        self._letters: dict[str, Letters] = {}
        self._ailment: Ailment | None = None
        self._ill_until = 0.0
        self._actions: dict[str, Callable[[Object], Object]] = {
            "CreateQueue": self._create_queue,
            "GetQueueUrl": self._get_queue_url,
            "ListQueues": self._list_queues,
            "GetQueueAttributes": self._attributes,
            "SendMessage": self._send,
            "DeleteMessage": self._delete,
            "PurgeQueue": self._purge,
        }

    async def __aenter__(self) -> Self:
        server = web.Server(self._handle, handler_cancellation=True, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def queue_url(self, name: str) -> str:
        return f"{self.url}/{ACCOUNT}/{name}"

    # -- failing -----------------------------------------------------------------------------------------------

    def fail(self, seconds: float = float("inf"), ailment: Ailment = "error") -> None:
        """Answer nothing useful for that many seconds of the world's clock: HTTP 500, throttling, or no answer."""
        self._ailment = ailment
        self._ill_until = self.world.clock.now() + seconds

    def recover(self) -> None:
        self._ailment = None

    @property
    def ailing(self) -> bool:
        if self._ailment is not None and self.world.clock.now() >= self._ill_until:
            self._ailment = None
        return self._ailment is not None

    async def _suffer(self) -> None:
        while self.ailing:
            if self._ailment == "throttle":
                raise SqsError("RequestThrottled", "Request is throttled.", status=403)
            if self._ailment == "error":
                raise SqsError("InternalFailure", "The request processing has failed.", status=500)
            await asyncio.sleep(POLL)

    # -- answering ---------------------------------------------------------------------------------------------

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        action = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
        self.requests[action] += 1
        try:
            await self._suffer()
            content = await self._answer(action, msgspec.json.decode(await request.read() or b"{}"))
        except SqsError as error:
            return _refused(error)
        return web.Response(body=msgspec.json.encode(content), content_type=CONTENT_TYPE)

    async def _answer(self, action: str, asked: Object) -> Object:
        if action == "ReceiveMessage":
            return await self._receive(asked)
        answer = self._actions.get(action)
        if answer is None:
            raise SqsError("UnsupportedOperation", f"The action {action or 'without a name'} is not known here.")
        return answer(asked)

    def _queue(self, asked: Object) -> tuple[Queue, Letters]:
        name = str(asked.get("QueueUrl", "")).rpartition("/")[2]
        queue = self.world.queues.get(name)
        if queue is None:
            raise SqsError(
                "com.amazonaws.sqs#QueueDoesNotExist",
                "The specified queue does not exist.",
                "AWS.SimpleQueueService.NonExistentQueue",
            )
        letters = self._letters.setdefault(name, Letters())
        self._bring_back(queue, letters)
        return queue, letters

    def _bring_back(self, queue: Queue, letters: Letters) -> None:
        """What was received and not deleted in time, and what was delayed until now."""
        now = self.world.clock.now()
        for handle in [handle for handle, (due, _, _) in letters.away.items() if due <= now]:
            _, identifier, body = letters.away.pop(handle)
            letters.bodies.appendleft((identifier, body))
            queue.put()
        due = [letter for letter in letters.delayed if letter[0] <= now]
        letters.delayed = [letter for letter in letters.delayed if letter[0] > now]
        for _, identifier, body in due:
            letters.bodies.append((identifier, body))
            queue.put()

    # -- queues ------------------------------------------------------------------------------------------------

    def _create_queue(self, asked: Object) -> Object:
        name = asked["QueueName"]
        if name not in self.world.queues:
            self.world.add_queue(name)
        return {"QueueUrl": self.queue_url(name)}

    def _get_queue_url(self, asked: Object) -> Object:
        self._queue({"QueueUrl": asked["QueueName"]})
        return {"QueueUrl": self.queue_url(asked["QueueName"])}

    def _list_queues(self, asked: Object) -> Object:
        prefix = asked.get("QueueNamePrefix", "")
        return {"QueueUrls": [self.queue_url(name) for name in sorted(self.world.queues) if name.startswith(prefix)]}

    def _attributes(self, asked: Object) -> Object:
        queue, letters = self._queue(asked)
        known = {
            "ApproximateNumberOfMessages": queue.waiting,
            "ApproximateNumberOfMessagesNotVisible": queue.held + len(letters.away),
            "ApproximateNumberOfMessagesDelayed": len(letters.delayed),
            "VisibilityTimeout": int(VISIBILITY),
            "QueueArn": f"arn:aws:sqs:sim:{ACCOUNT}:{queue.name}",
        }
        wanted = asked.get("AttributeNames") or []
        unknown = [name for name in wanted if name != "All" and name not in known]
        if unknown:
            raise SqsError("InvalidAttributeName", f"Unknown Attribute {unknown[0]}.")
        return {
            "Attributes": {name: str(value) for name, value in known.items() if name in wanted or "All" in wanted}
        }

    def _purge(self, asked: Object) -> Object:
        queue, letters = self._queue(asked)
        queue.backlog = 0.0
        self._letters[queue.name] = Letters()
        letters.bodies.clear()
        return {}

    # -- messages ----------------------------------------------------------------------------------------------

    def _send(self, asked: Object) -> Object:
        queue, letters = self._queue(asked)
        identifier, body = str(uuid.uuid4()), asked["MessageBody"]
        delay = asked.get("DelaySeconds") or 0
        if delay:
            letters.delayed.append((self.world.clock.now() + delay, identifier, body))
        else:
            letters.bodies.append((identifier, body))
            queue.put()
        return {"MessageId": identifier, "MD5OfMessageBody": _digest(body)}

    async def _receive(self, asked: Object) -> Object:
        """Up to so many messages; waits for the first as long as asked."""
        end = asyncio.get_running_loop().time() + (asked.get("WaitTimeSeconds") or 0)
        while True:
            found = self._received(asked)
            if found or asyncio.get_running_loop().time() >= end:
                return {"Messages": found} if found else {}
            await asyncio.sleep(POLL)

    def _received(self, asked: Object) -> list[Object]:
        queue, letters = self._queue(asked)
        timeout = asked.get("VisibilityTimeout")
        due = self.world.clock.now() + (VISIBILITY if timeout is None else timeout)
        found: list[Object] = []
        while len(found) < (asked.get("MaxNumberOfMessages") or 1) and queue.take():
            number = str(uuid.uuid4())
            identifier, body = letters.bodies.popleft() if letters.bodies else (number, f"message {number}")
            handle = str(uuid.uuid4())
            letters.away[handle] = (due, identifier, body)
            found.append({"MessageId": identifier, "ReceiptHandle": handle, "MD5OfBody": _digest(body), "Body": body})
        return found

    def _delete(self, asked: Object) -> Object:
        queue, letters = self._queue(asked)
        if letters.away.pop(asked.get("ReceiptHandle", ""), None) is not None:
            queue.finished += 1
        return {}


def _digest(body: str) -> str:
    """SQS proves receipt by this digest; clients compare it."""
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()


def _refused(error: SqsError) -> web.Response:
    content = {"__type": error.kind, "message": str(error)}
    fault = "Sender" if error.status < 500 else "Receiver"
    headers = {"x-amzn-query-error": f"{error.query_code};{fault}"}
    body = msgspec.json.encode(content)
    return web.Response(body=body, status=error.status, headers=headers, content_type=CONTENT_TYPE)
