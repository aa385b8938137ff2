"""The kinds that are ours, and how their objects are read: into the models, or into what is wrong with them."""

import logging

import msgspec

from scaler.api.authentication import ClusterTriggerAuthentication, TriggerAuthentication
from scaler.api.meta import ObjectRef, Raw
from scaler.api.scaledobject import API_VERSION, ScaledObject
from scaler.errors import Problem
from scaler.kube.answers import decoder
from scaler.kube.resources import CLUSTER_TRIGGER_AUTHENTICATIONS, SCALED_OBJECTS, TRIGGER_AUTHENTICATIONS, Resource

log = logging.getLogger("scaler.intake")

Known = ScaledObject | TriggerAuthentication | ClusterTriggerAuthentication


class OurKind(msgspec.Struct, frozen=True):
    """One kind of ours."""

    name: str
    resource: Resource
    model: type[Known]
    namespaced: bool = True


KINDS = (
    OurKind("ClusterTriggerAuthentication", CLUSTER_TRIGGER_AUTHENTICATIONS, ClusterTriggerAuthentication, False),
    OurKind("TriggerAuthentication", TRIGGER_AUTHENTICATIONS, TriggerAuthentication),
    OurKind("ScaledObject", SCALED_OBJECTS, ScaledObject),
)
"""Authentications first: an object's triggers are built with what is known of them."""


class Undecodable(msgspec.Struct, frozen=True):
    """An object that the models cannot hold, though the API server took it: its definition is not ours."""

    ref: ObjectRef
    raw: Raw
    problems: tuple[Problem, ...]
    """All of them, each at its path."""


class Identity(msgspec.Struct, frozen=True, rename="camel"):
    """The metadata that tells one version of one object from every other."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""

    def ref(self, kind: OurKind) -> ObjectRef:
        """Which object this is."""
        return ObjectRef(kind.name, self.namespace, self.name, API_VERSION, self.uid)


class Bare(msgspec.Struct, frozen=True):
    """An object of which only the identity is wanted."""

    metadata: Identity = Identity()


def identity(found: msgspec.Raw | Raw) -> Identity:
    """Whose version this is, encoded or as kopf has it."""
    if isinstance(found, dict):
        return msgspec.convert(found, Bare).metadata
    bare: Bare = decoder(Bare).decode(found)
    return bare.metadata


def read(kind: OurKind, found: msgspec.Raw | Raw) -> Known | Undecodable:
    """The object, encoded or as kopf has it."""
    try:
        if isinstance(found, dict):
            return msgspec.convert(found, kind.model)
        known: Known = decoder(kind.model).decode(found)
    except msgspec.ValidationError as error:
        raw: Raw = found if isinstance(found, dict) else msgspec.json.decode(found)
        return Undecodable(identity(raw).ref(kind), raw, _problems(kind, raw, error))
    return known


def _problems(kind: OurKind, raw: Raw, error: msgspec.ValidationError) -> tuple[Problem, ...]:
    """All of them by our own definition of the kind; else the one that the decoder stopped at."""
    from scaler.api import crd, schema  # only for what should not exist

    try:
        found = [problem for problem in schema.validate(crd.schema(kind.model), raw) if problem.path]
    except Exception:  # what explains a broken object must never end the program, whatever the object holds
        log.exception("the problems of an object cannot be found", extra={"kind": kind.name})
        found = []
    if not found:
        words, _, path = str(error).partition(" - at `$")
        found = [Problem(path.strip("`.") or kind.name, words)]
    return tuple(found)
