"""The verbs over HTTP, for objects and for each subresource: one table says who answers what.

Whatever comes as a patch type or a subresource has its place here.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from scaler.api.constraints import shown
from scaler.errors import Problem
from scaler.sim.apiserver import (
    applying,
    deletion,
    evictions,
    patches,
    refusals,
    requests,
    scales,
    shapes,
    streams,
    watches,
)
from scaler.sim.apiserver.answers import Call, answer, show
from scaler.sim.apiserver.lists import Lists
from scaler.sim.apiserver.registry import Options, Registry, Served
from scaler.sim.apiserver.store import Object, Stored

Handler = Callable[[Call], Awaitable[web.StreamResponse]]
Change = Callable[[Object], Object]

PATCHES: dict[str, Callable[[Any, Any], Any]] = {
    requests.JSON_PATCH: patches.json_patch,
    requests.MERGE: patches.merge,
    requests.STRATEGIC: patches.strategic_merge,
}


class Handlers:
    """Who answers which method on what."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.lists = Lists(registry)
        self.collection: dict[str, Handler] = {
            "GET": self.list_or_watch,
            "POST": self.create,
            "DELETE": self.delete_collection,
        }
        self.objects: dict[tuple[str, str], Handler] = {
            ("GET", ""): self.get,
            ("PUT", ""): self.replace,
            ("PATCH", ""): self.patch,
            ("DELETE", ""): self.delete,
            ("GET", "status"): self.get,
            ("PUT", "status"): self.replace,
            ("PATCH", "status"): self.patch,
            ("GET", "resize"): self.get,
            ("PUT", "resize"): self.replace,
            ("PATCH", "resize"): self.patch,
            ("GET", "scale"): self.get_scale,
            ("PUT", "scale"): self.replace_scale,
            ("PATCH", "scale"): self.patch_scale,
            ("POST", "eviction"): self.evict,
            ("PUT", "finalize"): self.finalize,
        }
        """By method and subresource."""

    async def answer(self, call: Call) -> web.StreamResponse:
        """Dispatch one call."""
        target, method = call.target, call.request.method
        if not target.name:
            handler = self.collection.get(method)
        else:
            self._check_subresource(call.served, target.subresource)
            handler = self.objects.get((method, target.subresource))
        if handler is None or target.rest:
            raise refusals.method_not_allowed()
        return await handler(call)

    def _check_subresource(self, served: Served, name: str) -> None:
        resource = served.resource
        there = {
            "": True,
            "status": resource.status,
            "scale": resource.scale is not None,
            "resize": resource.resize is not None,
            "eviction": resource.table == "pods",
            "finalize": resource.table == "namespaces",
        }
        if not there.get(name, any(subresource == name for _, subresource in self.objects)):
            raise refusals.no_such_path()

    # -- reading -----------------------------------------------------------------------------------------------

    async def get(self, call: Call) -> web.StreamResponse:
        return self._shown(call, self.registry.get(call.served, call.key))

    async def list_or_watch(self, call: Call) -> web.StreamResponse:
        query = call.query
        chosen = watches.selection(
            call.served, call.target.namespace, query.get("labelSelector", ""), query.get("fieldSelector", "")
        )
        if requests.flag(query, "watch"):
            return await streams.follow(self.registry, call, chosen)
        page = self.lists.page(call.served, chosen, query)
        return answer(self._shape(call).many(call.served, page.items, page.meta))

    # -- writing -----------------------------------------------------------------------------------------------

    async def create(self, call: Call) -> web.StreamResponse:
        options = requests.options(call.query, "CreateOptions")
        stored = await self.registry.create(call.served, call.target.namespace, await self._body(call), options)
        return self._shown(call, stored, 201, options)

    async def replace(self, call: Call) -> web.StreamResponse:
        options = requests.options(call.query, "UpdateOptions")
        body = await self._body(call)
        served, resource = call.served, call.served.resource
        if resource.create_on_update and self.registry.peek(served, call.key) is None:
            stored = await self.registry.create(served, call.target.namespace, body, options)
            return self._shown(call, stored, 201, options)
        asked = msgspec.structs.replace(options, unconditional=resource.unconditional_update)
        stored = await self.registry.update(served, call.key, lambda _: body, asked, call.target.subresource)
        return self._shown(call, stored, 200, options)

    async def patch(self, call: Call) -> web.StreamResponse:
        if call.content_type.partition(";")[0].strip() == requests.APPLY:
            return await self._apply(call)
        options = requests.options(call.query, "PatchOptions")
        change = await self._patch(call)
        stored = await self.registry.update(call.served, call.key, change, options, call.target.subresource)
        return self._shown(call, stored, 200, options)

    async def _apply(self, call: Call) -> web.StreamResponse:
        content = requests.parsed(requests.APPLY, await call.request.read())
        apply = applying.Apply(self.registry, call.served, call.key, call.target.subresource)
        stored, new, options = await apply.carry_out(content, call.query)
        return self._shown(call, stored, 201 if new else 200, options)

    async def delete(self, call: Call) -> web.StreamResponse:
        options = requests.delete_options(call.query, await call.request.read())
        stored, gone = await deletion.delete(self.registry, call.served, call.key, options)
        if gone and not call.served.resource.returns_deleted:
            return show(_deleted(call.served, stored))
        return self._shown(call, stored)

    async def delete_collection(self, call: Call) -> web.StreamResponse:
        query = call.query
        if "deletecollection" not in call.served.resource.verbs:
            raise refusals.method_not_allowed()
        options = requests.delete_options(query, await call.request.read())
        chosen = watches.selection(
            call.served, call.target.namespace, query.get("labelSelector", ""), query.get("fieldSelector", "")
        )
        page = self.lists.page(call.served, chosen, query)
        for stored in page.items:
            meta = stored.object["metadata"]
            await deletion.delete(self.registry, call.served, (meta.get("namespace", ""), meta["name"]), options)
        return answer(self._shape(call).many(call.served, page.items, page.meta))

    async def finalize(self, call: Call) -> web.StreamResponse:
        """A namespace whose content is gone gives up its own finalizers."""
        body = await self._body(call)
        finalizers = (body.get("spec") or {}).get("finalizers") or []
        stored = await self.registry.update(
            call.served, call.key, lambda old: {**old, "spec": {"finalizers": finalizers}}
        )
        return self._shown(call, stored)

    async def evict(self, call: Call) -> web.StreamResponse:
        content = requests.parsed(call.content_type, await call.request.read())
        return show(await evictions.evict(self.registry, call.key, content, call.query), 201)

    # -- scale -------------------------------------------------------------------------------------------------

    async def get_scale(self, call: Call) -> web.StreamResponse:
        return show(scales.read(self.registry, call.served, call.key))

    async def replace_scale(self, call: Call) -> web.StreamResponse:
        body = requests.parsed(call.content_type, await call.request.read())
        requests.sent_object(call.served, "Scale", "autoscaling/v1", body)
        return await self._rescaled(call, lambda _: body)

    async def patch_scale(self, call: Call) -> web.StreamResponse:
        return await self._rescaled(call, await self._patch(call))

    async def _rescaled(self, call: Call, change: Change) -> web.StreamResponse:
        options = requests.options(call.query, "UpdateOptions")
        return show(await scales.write(self.registry, call.served, call.key, change, options))

    # -- pieces ------------------------------------------------------------------------------------------------

    async def _body(self, call: Call) -> Object:
        content = requests.parsed(call.content_type, await call.request.read())
        return requests.sent_object(call.served, call.served.resource.kind, call.served.api_version, content)

    async def _patch(self, call: Call) -> Change:
        kind = call.content_type.partition(";")[0].strip()
        apply = PATCHES.get(kind)
        known = [name for name in PATCHES if name != requests.STRATEGIC or not call.served.resource.custom]
        if apply is None or kind not in known:
            raise refusals.unsupported_media_type(known)
        patch = requests.parsed(kind, await call.request.read())
        if kind != requests.JSON_PATCH and not isinstance(patch, dict):
            raise refusals.bad_request("error decoding patch: a merge patch is an object")

        def change(current: Object) -> Object:
            return _still_readable(call.served, current, apply(current, patch))

        return change

    def _shape(self, call: Call) -> shapes.Shape:
        return shapes.chosen(call.accept, call.query.get("includeObject", ""), self.registry.clock.now())

    def _shown(
        self, call: Call, stored: Stored, status: int = 200, options: Options | None = None
    ) -> web.StreamResponse:
        warnings = options.warnings if options is not None else ()
        return answer(self._shape(call).one(call.served, stored), status, warnings)


def _still_readable(served: Served, current: Object, patched: Object) -> Object:
    """What a patch made of an object, unless it is no object of the kind any more."""
    if (patched.get("kind"), patched.get("apiVersion")) != (current["kind"], current["apiVersion"]):
        raise _bad_patch(patched, f"it must stay a {current['kind']} of {current['apiVersion']}")
    if patched["kind"] == "Scale":
        return patched
    try:
        return requests.readable(served, patched)
    except refusals.Refusal as refusal:
        raise _bad_patch(patched, str(refusal)) from refusal


def _bad_patch(patched: Object, why: str) -> refusals.Refusal:
    return refusals.invalid("", "", "", [Problem("patch", f"Invalid value: {shown(patched)}: {why}", patched)])


def _deleted(served: Served, stored: Stored) -> Object:
    meta = stored.object["metadata"]
    details = {
        "name": meta["name"],
        **({"group": served.group} if served.group else {}),
        "kind": served.resource.plural,
        "uid": meta["uid"],
    }
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
