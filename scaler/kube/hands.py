"""Carries out actions: each of `scaler.actions` becomes the calls that do it. It decides nothing.

What changed under an action's hands (409) is looked at again and tried again here, as long as it is still the object
that was meant; what is gone is said, and is no error; all else that Kubernetes refuses is raised as `ApiError`.
"""

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec

from scaler.actions import (
    Action,
    ApplyHpa,
    DeleteCheckpoint,
    DeleteHpa,
    Evict,
    KeepCheckpoint,
    PatchMetadata,
    Resize,
    SetReplicas,
    Tell,
    WriteRecommendation,
    WriteStatus,
)
from scaler.api.meta import ObjectRef, Raw
from scaler.errors import ApiError
from scaler.kube import learned, moves
from scaler.kube.connection import Connection
from scaler.kube.lanes import Lane
from scaler.kube.resources import HPAS, Resource

logger = logging.getLogger("scaler.hands")

CONFLICTS = 5
"""How often a conflict is tried again."""
CONFLICT_PAUSE = 0.05
"""Seconds before that, doubled each time."""
MOST_SAID = 100_000
"""Actions that dry hands remember, so as not to say the same again."""


class Done(msgspec.Struct, frozen=True):
    """It is done."""

    body: Raw | None = None
    """The object as the API server has it now, where there is one."""


class Gone(msgspec.Struct, frozen=True):
    """The object is not there any more, so there is nothing to do."""


Outcome = Done | Gone


class Hands(Protocol):
    """The port that loops act through."""

    async def carry_out(self, action: Action, why: str = "") -> Outcome:
        """Do it; ApiError when Kubernetes refuses. `why` goes into the log line."""
        ...


class Teller(Protocol):
    """Where events go."""

    def record(self, tell: Tell) -> None:
        """Take an event; never waits and never fails."""
        ...


class ClusterHands:
    """Acts on the cluster."""

    def __init__(self, connection: Connection, recorder: Teller) -> None:
        self._connection = connection
        self._recorder = recorder

    async def carry_out(self, action: Action, why: str = "") -> Outcome:
        """Do it; ApiError when Kubernetes refuses. `why` goes into the log line.

        A workload that is not there is refused (404); so is an HPA that somebody else made under the same name.
        """
        try:
            outcome = await self._do(action)
        except ApiError as error:
            logger.warning("refused: %s", _phrase(action), extra=_fields(action, why) | {"error": str(error)})
            raise
        if isinstance(outcome, Gone):
            logger.info("not there any more: %s", _phrase(action), extra=_fields(action, why))
        else:
            logger.log(_level(action), "%s", _phrase(action), extra=_fields(action, why))
        return outcome

    async def _do(self, action: Action) -> Outcome:
        outcome: Outcome = Done()
        match action:
            case SetReplicas():
                outcome = await _persistently(lambda: self._set_replicas(action))
            case ApplyHpa(existing=None):
                outcome = Done(await self._connection.create(HPAS, action.namespace, action.body, into=Raw))
            case ApplyHpa():
                outcome = await self._update_hpa(action)
            case DeleteHpa():
                outcome = await self._delete_hpa(action)
            case PatchMetadata():
                outcome = await self._patch_metadata(action)
            case WriteStatus():
                outcome = await _persistently(lambda: self._write_status(action))
            case WriteRecommendation() | KeepCheckpoint() | DeleteCheckpoint():
                outcome = Done() if await learned.carry_out(self._connection, action) else Gone()
            case Evict() | Resize():
                outcome = Done() if await moves.carry_out(self._connection, action) else Gone()
            case Tell():
                self._recorder.record(action)
        return outcome

    async def _set_replicas(self, action: SetReplicas) -> Outcome:
        resource = Resource(action.group, action.version, action.resource)
        body = {"spec": {"replicas": action.replicas}}
        return Done(
            await self._connection.patch(resource, action.namespace, action.name, body, subresource="scale", into=Raw)
        )

    async def _update_hpa(self, action: ApplyHpa) -> Outcome:
        assert action.existing is not None
        known = action.existing
        for tries in itertools.count():
            metadata = action.body["metadata"] | _precondition(known)
            try:
                body = action.body | {"metadata": metadata}
                return Done(await self._connection.update(HPAS, action.namespace, action.name, body, into=Raw))
            except ApiError as error:
                if action.theirs:  # what he wrote meanwhile is his new wish, and counts first
                    raise
                if error.status == 404:
                    return Done(await self._connection.create(HPAS, action.namespace, action.body, into=Raw))
                if error.status != 409 or tries == CONFLICTS:
                    raise
                found = await self._connection.get(HPAS, action.namespace, action.name, into=Raw)
                if _identity(found) != _identity(known):  # a namesake, or it has another owner by now
                    raise
                known = found
        raise AssertionError  # count() does not end

    async def _delete_hpa(self, action: DeleteHpa) -> Outcome:
        try:
            await self._connection.delete(HPAS, action.namespace, action.name, uid=action.uid)
        except ApiError as error:
            if error.status == 404 or (error.status == 409 and action.uid):
                return Gone()  # a namesake with another uid is not the one we mean
            raise
        return Done()

    async def _patch_metadata(self, action: PatchMetadata) -> Outcome:
        metadata = dict(action.patch)
        if action.resource_version:
            metadata["resourceVersion"] = action.resource_version
        patch = self._connection.patch(
            _resource_of(action.ref, action.resource),
            action.ref.namespace,
            action.ref.name,
            {"metadata": _with_uid(metadata, action.ref)},
            into=Raw,
        )
        return await _unless_gone(patch, action.ref)

    async def _write_status(self, action: WriteStatus) -> Outcome:
        patch = self._connection.patch(
            _resource_of(action.ref, action.resource),
            action.ref.namespace,
            action.ref.name,
            {"status": action.patch},
            subresource="status",
            into=Raw,
            lane=Lane.LATER,
        )
        return await _unless_gone(patch, action.ref)


class Untold:
    """Where events go that nobody is to be told: nothing may be written, or conditions say it all."""

    def record(self, tell: Tell) -> None:
        """Take an event, and drop it."""
        logger.debug("would tell: %s", tell.message, extra={"reason": tell.reason, "about": str(tell.ref)})


class DryHands:
    """Recommends only: lets through what may pass, and logs the rest, once as long as it would do the same."""

    def __init__(self, inner: Hands, passes: tuple[type[Action], ...] = (WriteStatus, Tell)) -> None:
        self._inner = inner
        self._said: dict[tuple[str, str, str], Action] = {}
        self._passes = passes

    async def carry_out(self, action: Action, why: str = "") -> Outcome:
        """Carry out what may pass; log the rest."""
        if isinstance(action, self._passes):
            return await self._inner.carry_out(action, why)
        fields = _fields(action, why)
        kind = (str(fields["action"]), str(fields["namespace"]), str(fields["name_"]))
        if self._said.get(kind) != action:
            if len(self._said) >= MOST_SAID:
                self._said.clear()
            self._said[kind] = action
            logger.info("would: %s", _phrase(action), extra=fields | {"dry": True})
        return Done()


async def _persistently(attempt: Callable[[], Awaitable[Outcome]]) -> Outcome:
    """Try again what was refused only because somebody else wrote at the same time."""
    for tries in range(CONFLICTS):
        try:
            return await attempt()
        except ApiError as error:
            if error.status != 409:
                raise
            await asyncio.sleep(CONFLICT_PAUSE * 2**tries)
    return await attempt()


async def _unless_gone(call: Awaitable[Raw], ref: ObjectRef) -> Outcome:
    try:
        body = await call
    except ApiError as error:
        if error.status == 404 or (error.status in {409, 422} and "uid" in error.message.lower()):
            return Gone()
        raise
    # The status subresource takes no precondition: a namesake made meanwhile will have its own loop write over this.
    return Gone() if ref.uid and body["metadata"].get("uid") != ref.uid else Done(body)


def _with_uid(metadata: Raw, ref: ObjectRef) -> Raw:
    """A uid in a patch is a precondition, so that a namesake made meanwhile is never written."""
    return metadata | ({"uid": ref.uid} if ref.uid else {})


def _resource_of(ref: ObjectRef, plural: str) -> Resource:
    group, _, version = ref.api_version.rpartition("/")
    return Resource(group, version, plural)


def _precondition(known: Raw) -> dict[str, Any]:
    metadata = known["metadata"]
    return {key: metadata[key] for key in ("uid", "resourceVersion") if key in metadata}


def _identity(hpa: Raw) -> tuple[object, object]:
    """What must not have changed for an update to go on: which HPA it is, and whose."""
    metadata = hpa["metadata"]
    owners = {owner["uid"] for owner in metadata.get("ownerReferences") or ()}
    return metadata.get("uid"), owners


def _level(action: Action) -> int:
    """What moves or makes something is news; bookkeeping is not."""
    news = isinstance(action, SetReplicas | ApplyHpa | DeleteHpa | DeleteCheckpoint | Evict | Resize)
    return logging.INFO if news else logging.DEBUG


def _phrase(action: Action) -> str:
    words = ""
    match action:
        case SetReplicas():
            words = f"set {action.resource}/{action.name} to {action.replicas} replicas"
        case ApplyHpa():
            words = f"{'update' if action.existing else 'create'} HPA {action.name}"
        case DeleteHpa():
            words = f"delete HPA {action.name}"
        case PatchMetadata():
            words = f"patch the metadata of {action.ref}"
        case WriteStatus():
            words = f"write the status of {action.ref}"
        case WriteRecommendation() | KeepCheckpoint() | DeleteCheckpoint():
            words = learned.phrase(action)
        case Evict() | Resize():
            words = moves.phrase(action)
        case Tell():
            words = f"tell {action.ref}: {action.reason}"
    return words


def _fields(action: Action, why: str) -> dict[str, object]:
    """The fields of the log line; ``name`` alone is taken by logging itself."""
    place = action.ref if isinstance(action, PatchMetadata | WriteStatus | WriteRecommendation | Tell) else action
    fields: dict[str, object] = {"action": type(action).__name__, "namespace": place.namespace, "name_": place.name}
    if isinstance(action, SetReplicas):
        fields |= {"resource": action.resource, "replicas": action.replicas}
    if why:
        fields["why"] = why
    return fields
