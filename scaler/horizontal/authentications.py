"""What a TriggerAuthentication needs from us: its finalizer, who uses it, and events when it comes, changes or goes.

Upstream: the two authentication controllers, and the ScaledObject controller's upkeep of ``status.scaledobjects``.
"""

from collections.abc import Sequence

from scaler.actions import Action, PatchMetadata, Tell, WriteStatus
from scaler.api.authentication import TriggerAuthentication
from scaler.api.scaledobject import FINALIZER

RESOURCES = {
    "TriggerAuthentication": "triggerauthentications",
    "ClusterTriggerAuthentication": "clustertriggerauthentications",
}


def settle(
    authentication: TriggerAuthentication, users: Sequence[str], known_generation: int | None
) -> tuple[Action, ...]:
    """The actions that bring it in order; none when nothing is to do.

    `users` are the names of the ScaledObjects that refer to it, `known_generation` the generation that was settled
    last by this process (None for one that it has not met).
    """
    if authentication.metadata.deletion_timestamp is not None:
        return _leave(authentication)
    return (*_keep(authentication, known_generation), *_used_by(authentication, users))


def _leave(authentication: TriggerAuthentication) -> tuple[Action, ...]:
    held = authentication.metadata.finalizers
    if FINALIZER not in held:
        return ()
    rest = [finalizer for finalizer in held if finalizer != FINALIZER]
    return (
        _finalizers(authentication, rest),
        _tell(authentication, "Deleted", "is deleted; triggers that refer to it go on without credentials"),
    )


def _keep(authentication: TriggerAuthentication, known_generation: int | None) -> tuple[Action, ...]:
    held = authentication.metadata.finalizers
    if FINALIZER not in held:
        return (_finalizers(authentication, [*held, FINALIZER]), _tell(authentication, "Added", "is ready for use"))
    if known_generation is not None and known_generation != authentication.metadata.generation:
        return (_tell(authentication, "Updated", "was changed; triggers that refer to it are built again"),)
    return ()


def _used_by(authentication: TriggerAuthentication, users: Sequence[str]) -> tuple[Action, ...]:
    names = ",".join(sorted(set(users)))
    if names == authentication.status.scaledobjects:
        return ()
    return (WriteStatus(authentication.ref, RESOURCES[authentication.kind], {"scaledobjects": names}),)


def _finalizers(authentication: TriggerAuthentication, finalizers: list[str]) -> PatchMetadata:
    return PatchMetadata(
        authentication.ref,
        RESOURCES[authentication.kind],
        {"finalizers": finalizers},
        resource_version=authentication.metadata.resource_version,
    )


def _tell(authentication: TriggerAuthentication, happened: str, words: str) -> Tell:
    # The constant of upstream for an updated TriggerAuthentication holds the Cluster text; readers know that one.
    kind = "ClusterTriggerAuthentication" if happened == "Updated" else authentication.kind
    return Tell(
        authentication.ref, "Normal", f"{kind}{happened}", f"{authentication.kind} {authentication.ref.name} {words}"
    )
