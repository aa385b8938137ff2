"""Looks at a cluster for a takeover, and carries a plan out: one object after the other, each waited for.

Every step finds out by itself whether it is done, so that a run which was broken off is simply run again.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import msgspec

from scaler.api.meta import ObjectMeta, Raw
from scaler.clock import Clock
from scaler.errors import ApiError, ScalerError
from scaler.kube.answers import Ack
from scaler.kube.connection import Connection
from scaler.kube.lease import Holder, Lease, holder_of
from scaler.kube.resources import (
    API_SERVICES,
    CONFIG_MAPS,
    DEPLOYMENTS,
    LEASES,
    MUTATING_WEBHOOKS,
    NAMESPACES,
    SECRETS,
    SELF_REVIEWS,
    SERVICES,
)
from scaler.takeover import upstream
from scaler.takeover.fields import Place
from scaler.takeover.plan import BESIDE, OUR_METRICS, Change, Plan, Right, Seen
from scaler.takeover.record import NAME, SERVES, Record, config_map, record_of

T = TypeVar("T")

PATIENCE = 180.0
"""Seconds that a rollout, an APIService or our own operator may take."""
GLANCE = 0.5
TRIES = 5
"""Of an update that somebody else's crossed."""


class NotInTime(ScalerError):
    """Something did not come to pass; what was done so far stays and is recorded."""


class NotAllowed(ScalerError):
    """The caller lacks rights that it takes."""


class _Named(msgspec.Struct, frozen=True):
    metadata: ObjectMeta


async def look(connection: Connection, home: str, secret: str) -> Seen:
    """Everything that a plan follows from; `secret` holds our certificates. ApiError for what may not be read."""
    deployments = await connection.listing(DEPLOYMENTS, "", into=Raw)
    namespaces = await connection.listing(NAMESPACES, "", into=_Named)
    service = await _or_none(connection.get(SERVICES, home, OUR_METRICS, into=Raw))
    certificates = await _or_none(connection.get(SECRETS, home, secret, into=Raw))
    ports = ((service or {}).get("spec") or {}).get("ports") or [{}]
    return Seen(
        home=home,
        namespaces=tuple(one.metadata.name for one in namespaces.items),
        programs=tuple(upstream.programs(deployments.items)),
        ours=frozenset(one["metadata"]["name"] for one in deployments.items if _is_in(one, home)),
        beside=frozenset(one["metadata"]["name"] for one in deployments.items if _is_in(one, home) and _knows(one)),
        api_service=await _or_none(connection.get(API_SERVICES, "", upstream.EXTERNAL_METRICS, into=Raw)),
        webhook=await _webhook(connection),
        port=int(ports[0].get("port") or 443),
        authority=((certificates or {}).get("data") or {}).get("ca.crt", ""),
        record=await read_record(connection, home),
    )


def _is_in(body: Raw, home: str) -> bool:
    return bool(body["metadata"].get("namespace") == home)


def _knows(body: Raw) -> bool:
    """Whether a Deployment of ours is told that somebody else is at work."""
    entries = [entry for one in body["spec"]["template"]["spec"]["containers"] for entry in one.get("env") or []]
    return any(entry.get("name") == BESIDE and entry.get("value") == "true" for entry in entries)


async def read_record(connection: Connection, home: str) -> Record | None:
    """The record, if there is one; Invalid when it cannot be understood."""
    found = await _or_none(connection.get(CONFIG_MAPS, home, NAME, into=Raw))
    return None if found is None else record_of(found.get("data") or {})


async def missing(connection: Connection, rights: Iterable[Right]) -> list[Right]:
    """Those that the caller does not have."""
    rights = list(dict.fromkeys(rights))
    allowed = await asyncio.gather(*(_may(connection, right) for right in rights))
    return [right for right, may in zip(rights, allowed, strict=True) if not may]


async def _may(connection: Connection, right: Right) -> bool:
    about = {
        "verb": right.verb,
        "group": right.resource.group,
        "version": right.resource.version,
        "resource": right.resource.plural,
        "namespace": right.namespace,
        "name": right.name,
    }
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {name: value for name, value in about.items() if value}},
    }
    answer = await connection.create(SELF_REVIEWS, "", body, into=Raw)
    return bool((answer.get("status") or {}).get("allowed"))


async def _webhook(connection: Connection) -> Raw | None:
    """VPA's configuration; who may not list webhooks is not told of it, as it changes itself as a rule."""
    try:
        found = await connection.listing(MUTATING_WEBHOOKS, "", into=Raw)
    except ApiError as refused:
        if refused.status == 403:
            return None
        raise
    webhooks = [one for one in found.items if _has(one, upstream.VPA_WEBHOOK)]
    return webhooks[0] if webhooks else None


def _has(configuration: Raw, webhook: str) -> bool:
    return any(one.get("name") == webhook for one in configuration.get("webhooks") or [])


async def _or_none(call: Awaitable[T]) -> T | None:
    try:
        return await call
    except ApiError as error:
        if error.status == 404:
            return None
        raise


# -- carrying out ----------------------------------------------------------------------------------------------------


class Steps:
    """Carries plans out, telling each step as it is begun."""

    def __init__(
        self, connection: Connection, clock: Clock, seen: Seen, lease: str, tell: Callable[[str], None]
    ) -> None:
        """`lease` is the name of our operators' Lease."""
        self._connection = connection
        self._clock = clock
        self._seen = seen
        self._lease = lease
        self._tell = tell

    async def take(self, plan: Plan) -> None:
        """The namespaces become ours: recorded, the others told to leave, the API server turned, then ours begins."""
        await self.keep(plan.record)
        await self._change(plan)
        sized = plan.wanted if plan.sizes else plan.record.sized
        served = msgspec.structs.replace(plan.record, served=plan.wanted, sized=sized)
        await self.keep(served)
        await self._until_served(served.served)

    async def give_back(self, plan: Plan) -> None:
        """Ours leaves first; then the API server and the others are as they were; the record goes with the last."""
        await self.keep(plan.record)
        await self._until_served(plan.record.served)
        await self._change(plan)
        if plan.wanted:
            return
        await self._connection.delete(CONFIG_MAPS, self._seen.home, NAME)
        self._tell(f"ConfigMap {self._seen.home}/{NAME}: removed, everything is as it was")

    async def keep(self, record: Record) -> None:
        """Write the record."""
        home = self._seen.home
        self._tell(f"ConfigMap {home}/{NAME}: written ({_served(record)})")
        body = config_map(record, home)
        try:
            await self._connection.create(CONFIG_MAPS, home, body, into=Ack)
        except ApiError as error:
            if error.status != 409:
                raise
            await self._connection.update(CONFIG_MAPS, home, NAME, body, into=Ack)

    async def _change(self, plan: Plan) -> None:
        """In the plan's order; Deployments restart side by side, and nothing else begins before they have."""
        for _, places in itertools.groupby(plan.places, lambda place: place.resource == DEPLOYMENTS):
            together = list(places)
            for place in together:
                changes = [change for change in plan.changes if change.field.place == place]
                self._tell(f"{place}: {', '.join(change.field.title for change in changes)}")
                await self._put(place, changes)
            for place in together:
                await self._settled(place)

    async def _put(self, place: Place, changes: list[Change]) -> None:
        for tries_left in reversed(range(TRIES)):
            body = await self._connection.get(place.resource, place.namespace, place.name, into=Raw)
            for change in changes:
                body = change.field.put(body, change.to)
            try:
                await self._connection.update(place.resource, place.namespace, place.name, body, into=Ack)
            except ApiError as error:
                if error.status != 409 or not tries_left:
                    raise
            else:
                return

    async def _settled(self, place: Place) -> None:
        if place.resource == DEPLOYMENTS:
            await self._until(lambda: self._rolled_out(place), f"{place} has rolled out")
        elif place.resource == API_SERVICES:
            await self._until(self._available, f"{place} is available")

    async def _rolled_out(self, place: Place) -> bool:
        body = await self._connection.get(place.resource, place.namespace, place.name, into=Raw)
        status, wanted = body.get("status") or {}, body["spec"].get("replicas", 1)
        return bool(
            status.get("observedGeneration", 0) >= body["metadata"].get("generation", 0)
            and status.get("updatedReplicas", 0) == wanted
            and status.get("replicas", 0) == wanted
            and status.get("availableReplicas", 0) == wanted
        )

    async def _available(self) -> bool:
        """By the API server's word, which may be about whom it led to before, and by its forwarding a question."""
        version, _, group = upstream.EXTERNAL_METRICS.partition(".")
        try:
            await self._connection.request("GET", f"/apis/{group}/{version}", into=Ack)
        except ApiError:
            return False
        body = await self._connection.get(API_SERVICES, "", upstream.EXTERNAL_METRICS, into=Raw)
        conditions = (body.get("status") or {}).get("conditions") or []
        return any(one.get("type") == "Available" and one.get("status") == "True" for one in conditions)

    async def _until_served(self, served: tuple[str, ...]) -> None:
        """Our operator says in its Lease where it acts."""
        what = f"our operator acts in {', '.join(served)} only" if served else "our operator acts nowhere"
        self._tell(f"waiting until {what}")
        await self._until(lambda: self._serves(served), what)

    async def _serves(self, served: tuple[str, ...]) -> bool:
        lease = await _or_none(self._connection.get(LEASES, self._seen.home, self._lease, into=Lease))
        holder: Holder | None = holder_of(lease)
        return holder is not None and holder.annotations.get(SERVES) == ",".join(served)

    async def _until(self, holds: Callable[[], Awaitable[bool]], what: str) -> None:
        end = self._clock.now() + PATIENCE
        while not await holds():
            if self._clock.now() > end:
                raise NotInTime(f"it did not come to pass within {PATIENCE:g} s that {what}")
            await self._clock.sleep(GLANCE)


def _served(record: Record) -> str:
    return f"served: {', '.join(record.served) or 'none'}; wanted: {', '.join(record.wanted) or 'none'}"
