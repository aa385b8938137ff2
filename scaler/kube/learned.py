"""The calls that keep what a recommender learned: statuses of VerticalPodAutoscalers, and their checkpoints.

A status is replaced whole, by a JSON patch of the subresource, as upstream does; checkpoints have no status
subresource. Each says whether there was anything to do it to.
"""

from typing import Any

from scaler.actions import DeleteCheckpoint, KeepCheckpoint, WriteRecommendation
from scaler.api.verticalpodautoscaler import API_VERSION
from scaler.errors import ApiError
from scaler.kube.answers import Ack
from scaler.kube.connection import Connection, Patch
from scaler.kube.lanes import Lane
from scaler.kube.resources import VPA_CHECKPOINTS, VPAS

_INVALID = 422
"""How a JSON patch whose test does not hold is refused, in words that name nothing; so is a status that is wrong."""


async def carry_out(connection: Connection, action: WriteRecommendation | KeepCheckpoint | DeleteCheckpoint) -> bool:
    """Do it; False when what it is to be done to is not there."""
    match action:
        case WriteRecommendation():
            return await _write_recommendation(connection, action)
        case KeepCheckpoint():
            return await _keep_checkpoint(connection, action)
        case DeleteCheckpoint():
            return await _delete_checkpoint(connection, action)


def phrase(action: WriteRecommendation | KeepCheckpoint | DeleteCheckpoint) -> str:
    """What it does, for the log."""
    match action:
        case WriteRecommendation():
            return f"write the recommendation of {action.ref}"
        case KeepCheckpoint():
            return f"keep checkpoint {action.name}"
        case DeleteCheckpoint():
            return f"delete checkpoint {action.name}, whose object is gone"


async def _write_recommendation(connection: Connection, action: WriteRecommendation) -> bool:
    """False when the object is gone, or a namesake stands in its place."""
    ref = action.ref
    body: list[dict[str, Any]] = [{"op": "test", "path": "/metadata/uid", "value": ref.uid}] if ref.uid else []
    body.append({"op": "add", "path": "/status", "value": action.status})
    try:
        await connection.patch(
            VPAS, ref.namespace, ref.name, body, into=Ack, how=Patch.JSON, subresource="status", lane=Lane.LATER
        )
    except ApiError as error:
        if error.status == 404 or (error.status == _INVALID and "is invalid" not in error.message):
            return False
        raise
    return True


async def _keep_checkpoint(connection: Connection, action: KeepCheckpoint) -> bool:
    """False when its namespace is on its way out."""
    first, then, mistaken = (_make, _replace, 409) if action.new else (_replace, _make, 404)
    try:
        try:
            await first(connection, action)
        except ApiError as error:
            if error.status != mistaken:
                raise
            await then(connection, action)
    except ApiError as error:
        if error.status == 404 or (error.status == 403 and "being terminated" in error.message):
            return False
        raise
    return True


async def _replace(connection: Connection, action: KeepCheckpoint) -> None:
    change = [{"op": "add", "path": "/status", "value": action.status}]
    await connection.patch(
        VPA_CHECKPOINTS, action.namespace, action.name, change, into=Ack, how=Patch.JSON, lane=Lane.LATER
    )
    if action.annotations:
        body = {"metadata": {"annotations": action.annotations}}
        await connection.patch(VPA_CHECKPOINTS, action.namespace, action.name, body, into=Ack, lane=Lane.LATER)


async def _make(connection: Connection, action: KeepCheckpoint) -> None:
    body = {
        "apiVersion": API_VERSION,
        "kind": "VerticalPodAutoscalerCheckpoint",
        "metadata": {"name": action.name, "namespace": action.namespace, "annotations": action.annotations},
        "spec": action.spec,
        "status": action.status,
    }
    await connection.create(VPA_CHECKPOINTS, action.namespace, body, into=Ack, lane=Lane.LATER)


async def _delete_checkpoint(connection: Connection, action: DeleteCheckpoint) -> bool:
    """False when it is gone, or was written meanwhile."""
    try:
        await connection.delete(
            VPA_CHECKPOINTS,
            action.namespace,
            action.name,
            uid=action.uid,
            resource_version=action.resource_version,
            lane=Lane.LAST,
        )
    except ApiError as error:
        if error.status in {404, 409}:
            return False
        raise
    return True
