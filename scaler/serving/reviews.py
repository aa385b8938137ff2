"""Who a token belongs to and who may do what, asked of the API server and remembered for a little while.

TokenReview and SubjectAccessReview, as every aggregated API server must ask them. What a request *is* (its path, its
front proxy) is the business of `scaler.serving.delegated`.
"""

import asyncio
import functools
import hashlib
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

import msgspec

from scaler.api.meta import Raw
from scaler.kube.connection import Connection
from scaler.kube.resources import ACCESS_REVIEWS, TOKEN_REVIEWS

REMEMBERED = 10.0
"""Seconds an answer holds, allowed or denied; upstream's figure, and so the delay of a revocation."""
MOST = 4096
"""Answers remembered at once; a flood of unknown tokens must not fill the memory."""

AUTHENTICATED = "system:authenticated"

Answer = TypeVar("Answer")


class User(msgspec.Struct, frozen=True):
    """Who asks, in Kubernetes' terms."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()


class Attributes(msgspec.Struct, frozen=True):
    """What is asked for: a resource, or a path when that is set."""

    verb: str = "get"
    path: str = ""
    group: str = ""
    version: str = ""
    resource: str = ""
    namespace: str = ""
    name: str = ""


class Reviews:
    """Questions to the API server, each asked once at a time and remembered."""

    def __init__(self, connection: Connection, now: Callable[[], float], remembered: float = REMEMBERED) -> None:
        self._connection = connection
        self._tokens: _Remembered[User | None] = _Remembered(now, remembered)
        self._verdicts: _Remembered[bool] = _Remembered(now, remembered)

    async def user_of(self, token: str) -> User | None:
        """Whose token it is, or None when it is nobody's; ApiError when the API server cannot say."""
        key = hashlib.sha256(token.encode()).digest()  # the tokens themselves are not kept
        return await self._tokens.get(key, lambda: self._review_token(token))

    def known_to_be_allowed(self, user: User, questions: "Questions") -> bool:
        """Whether a remembered answer allows it; costs no time."""
        return any(self._verdicts.peek((user, asked)) for asked in questions)

    async def is_allowed(self, user: User, questions: "Questions") -> bool:
        """Whether the user may; ApiError when the API server cannot say."""
        for asked in questions:
            review = functools.partial(self._review_access, user, asked)
            if await self._verdicts.get((user, asked), review):
                return True
        return False

    async def _review_token(self, token: str) -> User | None:
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
        answer: Raw = await self._connection.create(TOKEN_REVIEWS, "", body, into=dict)
        status: Raw = answer.get("status") or {}
        return _user(status.get("user") or {}) if status.get("authenticated") is True else None

    async def _review_access(self, user: User, asked: Attributes) -> bool:
        spec: Raw = {"user": user.name, "groups": list(user.groups), **_what(asked)}
        if user.uid:
            spec["uid"] = user.uid
        if user.extra:
            spec["extra"] = {key: list(values) for key, values in user.extra}
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
        answer: Raw = await self._connection.create(ACCESS_REVIEWS, "", body, into=dict)
        status: Raw = answer.get("status") or {}
        return status.get("allowed") is True and status.get("denied") is not True


Questions = tuple[Attributes, ...]
"""One permission, from the widest question whose yes answers it to the exact one, which comes last."""


def questions_of(attributes: Attributes) -> Questions:
    """For a resource: whether he may read all of the group everywhere (``*`` and no namespace), else this one.

    Who reads metrics, as the HPA controller does, may usually read all of them, and one answer then serves ten
    thousand metric names.
    """
    if attributes.path:
        return (attributes,)
    return (msgspec.structs.replace(attributes, resource="*", namespace=""), attributes)


def _what(asked: Attributes) -> Raw:
    if asked.path:
        return {"nonResourceAttributes": {"path": asked.path, "verb": asked.verb}}
    resource = {"verb": asked.verb, "group": asked.group, "version": asked.version, "resource": asked.resource}
    return {"resourceAttributes": {**resource, "namespace": asked.namespace, "name": asked.name}}


def _user(found: Raw) -> User:
    extra = tuple((key, tuple(values or ())) for key, values in sorted((found.get("extra") or {}).items()))
    return User(found.get("username") or "", found.get("uid") or "", with_group(found.get("groups") or ()), extra)


def with_group(groups: "list[str] | tuple[str, ...]") -> tuple[str, ...]:
    """The groups of somebody who is authenticated."""
    return tuple(groups) if AUTHENTICATED in groups else (*groups, AUTHENTICATED)


class _Remembered(Generic[Answer]):
    """Answers that hold for a while; the same question on its way is joined."""

    def __init__(self, now: Callable[[], float], seconds: float) -> None:
        self._now = now
        self._seconds = seconds
        self._answers: dict[Hashable, tuple[Answer, float]] = {}
        self._asking: dict[Hashable, asyncio.Task[Answer]] = {}

    def peek(self, key: Hashable) -> Answer | None:
        known = self._answers.get(key)
        return known[0] if known is not None and self._now() < known[1] else None

    async def get(self, key: Hashable, question: Callable[[], Awaitable[Answer]]) -> Answer:
        known = self._answers.get(key)
        if known is not None and self._now() < known[1]:
            return known[0]
        task = self._asking.get(key)
        if task is None:  # a task of its own, so that an impatient asker does not take the answer from the others
            task = self._asking[key] = asyncio.ensure_future(self._ask(key, question))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())  # even if nobody waits
        return await asyncio.shield(task)

    async def _ask(self, key: Hashable, question: Callable[[], Awaitable[Answer]]) -> Answer:
        try:
            answer = await question()
        finally:
            del self._asking[key]
        self._make_room()
        self._answers[key] = (answer, self._now() + self._seconds)
        return answer

    def _make_room(self) -> None:
        if len(self._answers) < MOST:
            return
        now = self._now()
        self._answers = {key: known for key, known in self._answers.items() if now < known[1]}
        while len(self._answers) >= MOST:  # all fresh: the oldest go
            del self._answers[next(iter(self._answers))]
