"""Server-side apply: an object is made or changed to what somebody applies, who owns from then on what he said.

Source: the apply patch of Kubernetes 1.36, and a kube-apiserver's words.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from scaler.clock import to_rfc3339
from scaler.sim.apiserver import refusals, requests
from scaler.sim.apiserver.callers import caller
from scaler.sim.apiserver.fields import managers, merging, paths
from scaler.sim.apiserver.fields.managers import APPLY, Manager
from scaler.sim.apiserver.registry import Options, Registry, Served
from scaler.sim.apiserver.store import Key, Object, Stored


class Apply:
    """One apply, to an object or to a subresource of it."""

    def __init__(self, registry: Registry, served: Served, key: Key, subresource: str) -> None:
        self.registry = registry
        self.served = served
        self.key = key
        self.manager = Manager(caller().manager, APPLY, served.api_version, subresource)

    async def carry_out(self, content: Any, query: Mapping[str, str]) -> tuple[Stored, bool, Options]:
        """Gives what is stored, whether it is new, and the options with their warnings."""
        requests.check_manager(query, "PatchOptions", required=True)
        options = requests.options(query, "PatchOptions")
        config = _config(self.served, self.key, content)
        try:
            if self.registry.peek(self.served, self.key) is None:
                return await self._create(config, options), True, options
            force = requests.flag(query, "force")
            return await self._change(config, options, force=force), False, options
        except merging.Twice as twice:
            kind = f"/{self.key[1]}; {self.served.api_version}, Kind={self.served.resource.kind}"
            raise refusals.Refusal(500, "", f"failed to create typed patch object ({kind}): {twice}") from twice

    async def _create(self, config: Object, options: Options) -> Stored:
        served, name = self.served, self.key[1]
        if self.manager.subresource:
            raise refusals.not_found(served.group, served.resource.plural, name)
        uid = config["metadata"].get("uid")
        if uid:
            why = f"uid mismatch: the provided object specified uid {uid}, and no existing object was found"
            raise refusals.conflict(served.group, served.resource.plural, name, why)
        merging.merged({}, config, served.shape)
        mine = paths.owned(_writable(served, config, ""), served.shape)
        owned = {self.manager: (mine, to_rfc3339(self.registry.clock.now()))}
        asked = msgspec.structs.replace(options, owners=lambda: managers.entries(owned))
        return await self.registry.create(served, self.key[0], config, asked)

    async def _change(self, config: Object, options: Options, *, force: bool) -> Stored:
        owners: list[Object] = []
        body = _writable(self.served, config, self.manager.subresource)
        version = config["metadata"].get("resourceVersion")

        def change(live: Object) -> Object:
            now = self.registry.clock.now()
            new, known = managers.applied(live, body, self.manager, self.served.shape, now, force=force)
            owners[:] = known
            return {**new, "metadata": {**new["metadata"], **({"resourceVersion": version} if version else {})}}

        asked = msgspec.structs.replace(options, owners=lambda: owners)
        return await self.registry.update(self.served, self.key, change, asked, self.manager.subresource)


def _config(served: Served, key: Key, content: Any) -> Object:
    """What is applied, without what says nothing."""
    config = requests.sent_object(served, served.resource.kind, served.api_version, content)
    meta = config.get("metadata") or {}
    if meta.get("managedFields"):
        raise refusals.bad_request("metadata.managedFields must be nil")
    if meta.get("name", key[1]) != key[1]:
        raise refusals.bad_request(
            f"the name of the object ({meta['name']}) does not match the name on the URL ({key[1]})"
        )
    return {**_said(config), "metadata": {**_said(meta), "name": key[1]}}


def _said(value: Any) -> Any:
    """Without nulls, which apply nothing."""
    if isinstance(value, dict):
        return {name: _said(member) for name, member in value.items() if member is not None}
    return [_said(item) for item in value] if isinstance(value, list) else value


def _writable(served: Served, config: Object, subresource: str) -> Object:
    """What of the config counts where it is applied: its status there alone, and all else but there."""
    if subresource == "status":
        return {name: config[name] for name in ("apiVersion", "kind", "metadata", "status") if name in config}
    return {name: value for name, value in config.items() if name != "status" or not served.resource.status}
