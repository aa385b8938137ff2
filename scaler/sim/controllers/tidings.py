"""Events as the controllers tell them: the same thing said again only raises a count."""

import secrets

from scaler.clock import to_rfc3339
from scaler.sim.apiserver.registry import Registry, Served
from scaler.sim.apiserver.store import Key, Object
from scaler.sim.autoscaling.judgement import Told

Said = tuple[str, str, str, str]
"""Uid, type, reason and message."""


class Tidings:
    """Writes Events of one component."""

    def __init__(self, registry: Registry, component: str) -> None:
        self.registry = registry
        self.component = component
        self.events = registry.kind("events")
        self._told: dict[Said, Key] = {}

    async def tell(self, served: Served, about: Object, told: Told) -> None:
        said = (about["metadata"]["uid"], told.type, told.reason, told.message)
        known = self._told.get(said)
        if known is not None and self.registry.peek(self.events, known) is not None:
            await self.registry.update(self.events, known, self._again)
            return
        body = self._event(served, about, told)
        self._told[said] = (body["metadata"]["namespace"], body["metadata"]["name"])
        await self.registry.create(self.events, body["metadata"]["namespace"], body)

    def _again(self, event: Object) -> Object:
        return {**event, "count": event["count"] + 1, "lastTimestamp": to_rfc3339(self.registry.clock.now())}

    def _event(self, served: Served, about: Object, told: Told) -> Object:
        meta, now = about["metadata"], to_rfc3339(self.registry.clock.now())
        return {
            "metadata": {
                "name": f"{meta['name']}.{secrets.token_hex(8)}",
                "namespace": meta.get("namespace", "default"),
            },
            "involvedObject": {
                "kind": served.resource.kind,
                "namespace": meta.get("namespace", ""),
                "name": meta["name"],
                "uid": meta["uid"],
                "apiVersion": served.api_version,
                "resourceVersion": meta["resourceVersion"],
            },
            "reason": told.reason,
            "message": told.message,
            "source": {"component": self.component},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
            "type": told.type,
            "eventTime": None,
            "reportingComponent": self.component,
            "reportingInstance": "",
        }
