"""The calls that move a running pod: an eviction by the Eviction API, a resize by the subresource /resize.

Each names the pod it means by its uid, and says whether that is still there.
"""

import logging

from scaler.actions import Evict, Resize
from scaler.api.meta import Raw
from scaler.errors import ApiError
from scaler.kube.answers import Ack
from scaler.kube.connection import Connection, Patch
from scaler.kube.resources import PODS

logger = logging.getLogger(__name__)

NODE_CAPACITY = "NodeCapacity"
"""The cause of a refusal to resize for want of room on the node."""


async def carry_out(connection: Connection, action: Evict | Resize) -> bool:
    """Do it; False when the pod is gone, or another has its name."""
    try:
        if isinstance(action, Evict):
            await _evict(connection, action)
        else:
            await _resize(connection, action)
    except ApiError as error:
        if error.status == 404 or _is_another(error):
            return False
        raise
    return True


def phrase(action: Evict | Resize) -> str:
    """What it does, for the log."""
    return f"{'evict' if isinstance(action, Evict) else 'resize'} pod {action.name}"


async def _evict(connection: Connection, action: Evict) -> None:
    body: Raw = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": action.name, "namespace": action.namespace},
        "deleteOptions": {"preconditions": {"uid": action.uid}},
    }
    await connection.create(PODS, action.namespace, body, name=action.name, subresource="eviction", into=Ack)


async def _resize(connection: Connection, action: Resize) -> None:
    meant = {"op": "test", "path": "/metadata/uid", "value": action.uid}
    place = (PODS, action.namespace, action.name)
    await connection.patch(*place, [meant, *action.patch], into=Ack, how=Patch.JSON, subresource="resize")
    if not action.annotations:
        return
    try:
        await connection.patch(*place, [meant, *action.annotations], into=Ack, how=Patch.JSON)
    except ApiError as error:
        logger.debug("pod %s/%s is resized, but not marked: %s", action.namespace, action.name, error)


def _is_another(error: ApiError) -> bool:
    """Of an eviction a conflict that names the uid; of a patch a test that does not hold."""
    if error.status == 409:
        return "uid" in error.message.lower()
    return error.status == 422 and "/metadata/uid" in error.message
