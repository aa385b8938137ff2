"""How the API server learns of us: the webhook configurations, written by ourselves and kept as they must be.

The one for pods and VerticalPodAutoscalers has upstream's name, so that of two installations only one is asked. What
stands there already is changed only where it differs, and never while upstream's own admission controller is alive.
"""

import base64
import logging
from collections.abc import Mapping
from typing import Any

import msgspec

from scaler.api import scaledobject, verticalpodautoscaler
from scaler.api.meta import Raw
from scaler.clock import from_rfc3339
from scaler.errors import ApiError, ScalerError
from scaler.kube.answers import Ack
from scaler.kube.connection import Connection
from scaler.kube.lease import Lease
from scaler.kube.resources import LEASES, MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS, Resource
from scaler.vertical.scope import Scope

log = logging.getLogger("scaler.registration")

SIZING, SIZING_WEBHOOK = "vpa-webhook-config", "vpa.k8s.io"
"""Upstream's names."""
BESIDE, BESIDE_WEBHOOK = "kube-scaler-sizing", "pods.kube-scaler.dev"
"""The same beside a live VPA, which keeps its own: for the namespaces that were taken over."""
JUDGING = "kube-scaler-admission"
UPSTREAM_LEASE = "vpa-admission-controller"
ALIVE = 60.0
"""Seconds since the last sign of life of upstream's admission controller, which gives one each ten."""
LABELS = {"app.kubernetes.io/part-of": "kube-scaler"}
NAMESPACE_LABEL = "kubernetes.io/metadata.name"
OWNED_PODS = {
    "name": "pods-have-a-controller",
    "expression": "request.resource.resource != 'pods' || "
    "(has(object.metadata.ownerReferences) && object.metadata.ownerReferences.exists(one, has(one.controller)))",
}
"""A pod without a controller is nobody's to size: the API server need not ask about it."""


OURS = ((MUTATING_WEBHOOKS, SIZING), (MUTATING_WEBHOOKS, BESIDE), (VALIDATING_WEBHOOKS, JUDGING))
"""Every configuration that may be ours."""


class Occupied(ScalerError):
    """Someone alive holds the place that we would take; says who, and what to do."""


class Address(msgspec.Struct, frozen=True):
    """Where the API server calls: a URL, or else a Service."""

    url: str = ""
    """As in ``https://10.0.0.1:8000/``."""
    namespace: str = ""
    service: str = ""
    port: int = 443


class Wish(msgspec.Struct, frozen=True):
    """What the configurations are to say."""

    address: Address
    ca: bytes
    """The authorities that the API server is to trust, PEM; empty for those it trusts anyway."""
    scope: Scope
    timeout: int = 3
    """Seconds."""
    fail: bool = False
    """Refuse while we do not answer."""
    labels: Mapping[str, str] = {}
    scaled_objects: bool = True


def configurations(wish: Wish) -> list[tuple[Resource, Raw]]:
    """Every configuration that there is to be, in full; none while nothing is taken over from a live VPA."""
    taken = wish.scope.taken
    if taken is not None and not taken:
        return []
    name, webhook = (SIZING, SIZING_WEBHOOK) if taken is None else (BESIDE, BESIDE_WEBHOOK)
    found = [(MUTATING_WEBHOOKS, _configuration("Mutating", name, [_sizing(wish, webhook)], wish))]
    if wish.scaled_objects:
        judging = [_judging(wish, plural) for plural in ("scaledobjects", "triggerauthentications")]
        judging.append(_judging(wish, "clustertriggerauthentications", namespaced=False))
        found.append((VALIDATING_WEBHOOKS, _configuration("Validating", JUDGING, judging, wish)))
    return found


def _configuration(kind: str, name: str, webhooks: list[Raw], wish: Wish) -> Raw:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": f"{kind}WebhookConfiguration",
        "metadata": {"name": name, "labels": {**wish.labels, **LABELS}},
        "webhooks": webhooks,
    }


def _sizing(wish: Wish, name: str) -> Raw:
    vpas = (verticalpodautoscaler.GROUP, "*", "verticalpodautoscalers")
    rules = [_rule(("", "v1", "pods"), "CREATE"), _rule(vpas, "CREATE", "UPDATE")]
    return {
        **_webhook(wish, name, rules, _in_scope(wish.scope)),
        "matchConditions": [OWNED_PODS],
        "reinvocationPolicy": "Never",
    }


def _judging(wish: Wish, plural: str, *, namespaced: bool = True) -> Raw:
    scope = "Namespaced" if namespaced else "Cluster"
    rules = [_rule((scaledobject.GROUP, "*", plural), "CREATE", "UPDATE", scope=scope)]
    return _webhook(wish, f"{plural}.{scaledobject.OUR_DOMAIN}", rules, _in_scope(Scope(taken=wish.scope.taken)))


def _webhook(wish: Wish, name: str, rules: list[Raw], selector: Raw) -> Raw:
    return {
        "name": name,
        "clientConfig": _client(wish),
        "rules": rules,
        "failurePolicy": "Fail" if wish.fail else "Ignore",
        "matchPolicy": "Equivalent",
        "namespaceSelector": selector,
        "objectSelector": {},
        "sideEffects": "None",
        "timeoutSeconds": wish.timeout,
        "admissionReviewVersions": ["v1"],
    }


def _client(wish: Wish) -> Raw:
    address = wish.address
    bundle = {"caBundle": base64.b64encode(wish.ca).decode()} if wish.ca else {}
    if address.url:
        return {"url": address.url, **bundle}
    service = {"namespace": address.namespace, "name": address.service, "path": "/", "port": address.port}
    return {"service": service, **bundle}


def _rule(resource: tuple[str, str, str], *operations: str, scope: str = "*") -> Raw:
    group, version, plural = resource
    return {
        "apiGroups": [group],
        "apiVersions": [version],
        "resources": [plural],
        "operations": list(operations),
        "scope": scope,
    }


def _in_scope(scope: Scope) -> Raw:
    asked: list[Raw] = []
    if scope.ignored:
        asked.append({"key": NAMESPACE_LABEL, "operator": "NotIn", "values": sorted(scope.ignored)})
    within = [names for names in ({scope.only} if scope.only else None, scope.taken) if names is not None]
    asked += [{"key": NAMESPACE_LABEL, "operator": "In", "values": sorted(names)} for names in within]
    return {"matchExpressions": asked} if asked else {}


# -- at the API server -----------------------------------------------------------------------------------------


async def register(connection: Connection, wish: Wish, now: float) -> None:
    """Have the configurations say this; what says so already is left alone, and what is ours and not wanted goes.

    ApiError when it may not be done, `Occupied` while upstream's own admission controller is alive at `now`.
    """
    wanted_ones = configurations(wish)
    for resource, wanted in wanted_ones:
        await _ensure(connection, resource, wanted, now)
    there = {(resource, wanted["metadata"]["name"]) for resource, wanted in wanted_ones}
    for resource, name in OURS:
        if (resource, name) not in there:
            await _withdraw(connection, resource, name)


async def unregistered(connection: Connection, wish: Wish) -> str:
    """What would keep the API server from asking us now; empty when all is well."""
    for resource, wanted in configurations(wish):
        name = wanted["metadata"]["name"]
        stored = await _read(connection, resource, name)
        if stored is None:
            return f"{wanted['kind']} {name} does not exist"
        if not _reaches(stored, wanted):
            return f"{wanted['kind']} {name} leads elsewhere, or trusts another authority"
    return ""


async def _ensure(connection: Connection, resource: Resource, wanted: Raw, now: float) -> None:
    name = wanted["metadata"]["name"]
    stored = await _read(connection, resource, name)
    if stored is None:
        await connection.create(resource, "", wanted, into=Ack)
        log.info("registered by %s %s", wanted["kind"], name)
    elif not _says(stored, wanted):
        await _make_way(connection, stored, wanted, now)
        # Whole, and of the version that was read: whoever changes it at the same moment is not overwritten.
        labels = {**(stored["metadata"].get("labels") or {}), **wanted["metadata"]["labels"]}
        metadata = {**stored["metadata"], "labels": labels}
        body = {**stored, "metadata": metadata, "webhooks": wanted["webhooks"]}
        await connection.update(resource, "", name, body, into=Ack)
        log.info("changed %s %s", wanted["kind"], name)


async def _withdraw(connection: Connection, resource: Resource, name: str) -> None:
    stored = await _read(connection, resource, name)
    labels = stored["metadata"].get("labels") or {} if stored is not None else {}
    if stored is not None and LABELS.items() <= labels.items():
        await connection.delete(resource, "", name, uid=stored["metadata"]["uid"])
        log.info("took back %s %s", resource.plural, name)


async def _make_way(connection: Connection, stored: Raw, wanted: Raw, now: float) -> None:
    """Raise `Occupied` when someone else answers at the place that the stored configuration names."""
    ours = {_service(each) for each in wanted["webhooks"]}
    for namespace, service in {_service(each) for each in stored.get("webhooks") or []} - ours - {("", "")}:
        lease = await _lease(connection, namespace)
        renewed = lease.spec.renew_time if lease else None
        if renewed and now - from_rfc3339(renewed) < ALIVE:
            raise Occupied(
                f"{wanted['kind']} {wanted['metadata']['name']} leads to Service {service} in namespace {namespace}, "
                "where VPA's own admission controller is alive; stop it first, as by: "
                f"kubectl -n {namespace} scale deployment/vpa-admission-controller --replicas=0"
            )


def _service(webhook: Raw) -> tuple[str, str]:
    found = (webhook.get("clientConfig") or {}).get("service") or {}
    return str(found.get("namespace") or ""), str(found.get("name") or "")


async def _lease(connection: Connection, namespace: str) -> Lease | None:
    try:
        return await connection.get(LEASES, namespace, UPSTREAM_LEASE, into=Lease)
    except ApiError as error:
        if error.status in {403, 404}:  # what may not be read is taken for absent
            return None
        raise


async def _read(connection: Connection, resource: Resource, name: str) -> Raw | None:
    try:
        return await connection.get(resource, "", name, into=dict)
    except ApiError as error:
        if error.status == 404:
            return None
        raise


def _says(stored: Raw, wanted: Raw) -> bool:
    labels = stored["metadata"].get("labels") or {}
    same = all(labels.get(key) == value for key, value in wanted["metadata"]["labels"].items())
    return same and _covers(stored.get("webhooks") or [], wanted["webhooks"])


def _covers(stored: Any, wanted: Any) -> bool:
    """Whether what is stored says all that is wanted. What the API server filled in beside it is no difference."""
    if isinstance(wanted, dict):
        return isinstance(stored, dict) and all(_member(stored, key, value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return len(stored) == len(wanted) and all(map(_covers, stored, wanted))
    return bool(stored == wanted)


def _member(stored: Raw, key: str, wanted: Any) -> bool:
    if key not in stored:
        return not wanted or key == "matchConditions"  # which API servers before 1.28 drop
    return _covers(stored[key], wanted)


def _reaches(stored: Raw, wanted: Raw) -> bool:
    clients = {each.get("name"): each.get("clientConfig") for each in stored.get("webhooks") or []}
    return all(_covers(clients.get(each["name"]), each["clientConfig"]) for each in wanted["webhooks"])
