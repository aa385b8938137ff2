"""What may be done to objects: get, list, create, update; the rules between a request and the store.

Everything that writes, over HTTP or within the process, comes through here, so there is one order of steps: change,
prepare, admit, check, store. Deletion is in `deletion`, watching in `watches`.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from scaler.clock import Clock
from scaler.sim.apiserver import callers, deletion, metadata, refusals, schemas
from scaler.sim.apiserver.fields import managers
from scaler.sim.apiserver.fields.managers import UPDATE, Manager
from scaler.sim.apiserver.fields.shapes import Shape
from scaler.sim.apiserver.resources import Resource, Version
from scaler.sim.apiserver.store import Key, Object, Store, Stored, encode

decode = msgspec.json.Decoder().decode

WANTING = ("", "resize", "scale")
"""The writes that say what is wanted, and so raise the generation; others tell or only scale."""
STORED_FLAGS = frozenset({"resourceVersion", "managedFields"})
"""Metadata whose change alone is no change, but for who owns what."""


class Served(msgspec.Struct, frozen=True):
    """One resource in one version under one group: what a request path names."""

    group: str
    version: Version
    resource: Resource

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version.name}" if self.group else self.version.name

    @property
    def shape(self) -> Shape:
        """How the fields of its objects are owned."""
        schema = self.version.schema
        return Shape(schema if schema is not None else {} if self.resource.custom else None)

    def shown(self, stored: Stored) -> Object:
        """A stored object as this version spells it."""
        return self.version.outgoing(stored.object)

    def rendered(self, stored: Stored) -> bytes:
        """The same as JSON."""
        shown = self.version.outgoing(stored.object)
        return stored.json if shown is stored.object else encode(shown)


class Options(msgspec.Struct, frozen=True):
    """What a caller asks of a write besides the object."""

    dry_run: bool = False
    strict: bool = False
    """Refuse unknown fields instead of dropping them."""
    quiet: bool = False
    """Do not tell of unknown fields."""
    unconditional: bool = True
    """A change without resourceVersion may overwrite."""
    owners: Callable[[], list[Object]] | None = None
    """The managedFields of an apply, which says itself who owns what; None has them follow from what changes."""
    unreviewed: bool = False
    """The server writes on its own account: admission is not asked."""
    warnings: list[str] = []
    """Filled with what a person should know though the write succeeds."""


class Review(msgspec.Struct, frozen=True):
    """One write on its way to the store, for admission to look at."""

    operation: str
    served: Served
    key: Key
    subresource: str
    new: Object | None
    old: Object | None
    options: Options


Admit = Callable[[Review], Awaitable[Object | None]]
"""Gives the object to go on with, or raises a `Refusal`."""
Judge = Callable[[Review], Awaitable[None]]
"""Raises a `Refusal`, or has nothing against it."""

ORDINARY = Options()
TRIES = 6
"""How often a change is made anew because somebody else was faster."""


class Registry:
    """The resources that are served, and the verbs on them."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        self.served: dict[tuple[str, str, str], Served] = {}
        """By group, version and plural."""
        self.group_versions: set[tuple[str, str]] = set()
        self.mutating: list[Admit] = []
        """Asked in this order about every write, before it is checked."""
        self.validating: list[Judge] = []
        """Asked about every write as it is to be stored."""

    # -- what is served ----------------------------------------------------------------------------------------

    def serve(self, resource: Resource) -> None:
        """Serve every version of a resource."""
        for version in resource.versions:
            self.serve_as(resource.group, version, resource)
        self.store.table(resource.table)

    def serve_as(self, group: str, version: Version, resource: Resource) -> None:
        """Serve a resource under a group and version, its own or an alias."""
        self.served[group, version.name, resource.plural] = Served(group, version, resource)
        self.group_versions.add((group, version.name))

    def withdraw(self, group: str, plural: str) -> None:
        """Serve no version of that resource any more."""
        for key in [key for key in self.served if key[0] == group and key[2] == plural]:
            del self.served[key]
        self.group_versions = {key[:2] for key in self.served}

    def find(self, group: str, version: str, plural: str) -> Served:
        """What a path names; raises 404."""
        found = self.served.get((group, version, plural))
        if found is None:
            raise refusals.no_such_path()
        return found

    def of_kind(self, api_version: str, kind: str) -> Served | None:
        """What is served for an object's apiVersion and kind."""
        group, _, version = api_version.rpartition("/")
        matching = (
            served
            for served in self.served.values()
            if served.resource.kind == kind and served.group == group and served.version.name == version
        )
        return next(matching, None)

    def kind(self, plural: str, group: str = "") -> Served:
        """A resource by its plural and group, in its stored version."""
        return next(served for (at, _, name), served in self.served.items() if at == group and name == plural)

    # -- reading -----------------------------------------------------------------------------------------------

    def get(self, served: Served, key: Key) -> Stored:
        """One object; raises 404."""
        stored = self.peek(served, key)
        if stored is None:
            raise refusals.not_found(served.group, served.resource.plural, key[1])
        return stored

    def peek(self, served: Served, key: Key) -> Stored | None:
        return self.store.table(served.resource.table).objects.get(key)

    def list(self, served: Served, namespace: str = "") -> Sequence[Stored]:
        """All objects, or a namespace's, in the order of their keys."""
        table = self.store.table(served.resource.table)
        return [table.objects[key] for key in table.ordered() if not namespace or key[0] == namespace]

    # -- creating ----------------------------------------------------------------------------------------------

    async def create(self, served: Served, namespace: str, body: Object, options: Options = ORDINARY) -> Stored:
        """Store a new object; the body is left alone."""
        resource, now = served.resource, self.clock.now()
        new = self._incoming(served, body, options)
        self._check_place(resource, new, namespace)
        if (new.get("metadata") or {}).get("resourceVersion"):
            raise refusals.Refusal(500, "", "resourceVersion should not be set on objects to be created")
        schemas.fill(served, new, now)
        asked = Review("CREATE", served, (namespace, new["metadata"].get("name", "")), "", new, None, options)
        new = _there(await self._changed(asked))
        table = self.store.table(resource.table)
        metadata.born(resource, new, namespace, now, taken=lambda name: (namespace, name) in table.objects)
        schemas.complete(resource, new, now)
        schemas.check(served, new, None)
        key = (namespace, new["metadata"].get("name", ""))
        await self._judged(msgspec.structs.replace(asked, key=key, new=new))
        self._own(served, new, None, "", options)
        if key in table.objects:
            raise refusals.already_exists(served.group, resource.plural, key[1])
        if options.dry_run:
            return Stored(new, 0)
        return self.store.put(table, key, new)

    # -- updating ----------------------------------------------------------------------------------------------

    async def update(
        self,
        served: Served,
        key: Key,
        change: Callable[[Object], Object],
        options: Options = ORDINARY,
        subresource: str = "",
    ) -> Stored:
        """Replace an object by what `change` makes of it; the argument it is given must be left alone.

        A change that comes too late, because somebody wrote while admission was asked, is made anew of what is there.
        """
        for _ in range(TRIES - 1):
            try:
                return await self._update(served, key, change, options, subresource)
            except Overtaken:
                continue
        return await self._update(served, key, change, options, subresource)

    async def _update(
        self, served: Served, key: Key, change: Callable[[Object], Object], options: Options, subresource: str
    ) -> Stored:
        table = self.store.table(served.resource.table)
        old = self.get(served, key)
        body = change(served.shown(old))
        self._check_precondition(served, body, old, options)
        new = self._incoming(served, body, options)
        self._check_place(served.resource, new, key[0], key[1])
        schemas.fill(served, new, self.clock.now())
        asked = Review("UPDATE", served, key, subresource, new, old.object, options)
        new = self._kept_apart(served.resource, _there(await self._changed(asked)), old.object, subresource)
        metadata.carried(served.resource, new, old.object, raised=subresource in WANTING)
        schemas.check(served, new, old.object, subresource)
        await self._judged(msgspec.structs.replace(asked, new=new))
        self._own(served, new, old.object, subresource, options)
        if table.objects.get(key) is not old:
            raise Overtaken(served, key)
        return self._stored(served, key, new, old, options)

    def _own(self, served: Served, new: Object, old: Object | None, subresource: str, options: Options) -> None:
        """Write down, in place, who owns which field."""
        sent = new["metadata"].pop("managedFields", None)
        if options.owners is not None:
            known = options.owners()
        elif old is not None and sent in ([], [{}]):
            known = []  # how a user has it all forgotten
        else:
            manager = Manager(callers.caller().manager, UPDATE, served.api_version, subresource)
            known = managers.updated(new, old, manager, served.shape, self.clock.now())
        if known:
            new["metadata"]["managedFields"] = known

    def _stored(self, served: Served, key: Key, new: Object, old: Stored, options: Options) -> Stored:
        table = self.store.table(served.resource.table)
        if options.dry_run or _same(new, old.object):
            return Stored(new, old.version)
        if deletion.is_due(served.resource, new):
            table.objects[key] = Stored(new, old.version)
            return self.store.remove(table, key)
        return self.store.put(table, key, new)

    async def bind(self, served: Served, key: Key, change: Callable[[Object], Object]) -> Stored:
        """What only a scheduler may do: give a pod its node, spec and status at once."""
        table = self.store.table(served.resource.table)
        old = self.get(served, key)
        new = decode(encode(change(old.object)))
        return self.store.put(table, key, new)

    def _incoming(self, served: Served, body: Object, options: Options) -> Object:
        """A private copy of what was sent, in the stored spelling, without what nobody knows."""
        # What it is comes first, so that a list can leave it out of its items without looking.
        copy = {"apiVersion": served.api_version, "kind": served.resource.kind}
        copy |= {key: value for key, value in decode(encode(body)).items() if key not in copy}
        copy = schemas.pruned(served, copy, strict=options.strict, quiet=options.quiet, warnings=options.warnings)
        stored: Object = served.version.incoming(copy)
        meta = stored.get("metadata")
        stored["metadata"] = {key: value for key, value in meta.items() if value is not None} if meta else {}
        return stored

    def _check_place(self, resource: Resource, new: Object, namespace: str, name: str = "") -> None:
        meta = new["metadata"]
        if resource.namespaced and meta.get("namespace") not in {None, "", namespace}:
            raise refusals.bad_request(
                "the namespace of the provided object does not match the namespace sent on the request"
            )
        if resource.namespaced:
            meta["namespace"] = namespace
        if name and meta.setdefault("name", name) != name:
            raise refusals.bad_request(
                f"the name of the object ({meta['name']}) does not match the name on the URL ({name})"
            )

    def _check_precondition(self, served: Served, body: Object, old: Stored, options: Options) -> None:
        resource, meta = served.resource, body.get("metadata") or {}
        name, version = old.object["metadata"]["name"], meta.get("resourceVersion")
        uid, known = meta.get("uid"), old.object["metadata"]["uid"]
        if uid and uid != known:
            why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {known}"
            raise refusals.conflict(served.group, resource.plural, name, why)
        if version and version != str(old.version):
            raise refusals.modified(served.group, resource.plural, name)
        if not version and not options.unconditional:
            raise schemas.version_required(served, name)

    def _kept_apart(self, resource: Resource, new: Object, old: Object, subresource: str) -> Object:
        """A write to the object leaves its status alone; a write to the status leaves all else alone."""
        if subresource == "status":
            kept = (
                old["metadata"] if resource.custom else {**new["metadata"], "labels": old["metadata"].get("labels")}
            )
            result = {**old, "metadata": {key: value for key, value in kept.items() if value is not None}}
            return _with(result, "status", new.get("status"))
        if subresource == "resize" and resource.resize is not None:
            return resource.resize(new, old)
        return _with(new, "status", old.get("status")) if resource.status else new

    # -- admission ---------------------------------------------------------------------------------------------

    async def reviewed(self, review: Review) -> Object | None:
        """What admission makes of a write that neither creates nor updates: a deletion, a scale, an eviction."""
        if review.options.unreviewed:
            return review.new
        new = await self._changed(review)
        await self._judged(msgspec.structs.replace(review, new=new))
        return new

    async def review_deletion(self, served: Served, key: Key, old: Object, *, dry_run: bool) -> None:
        """Ask admission whether an object may be deleted."""
        await self.reviewed(Review("DELETE", served, key, "", None, old, Options(dry_run=dry_run)))

    async def _changed(self, review: Review) -> Object | None:
        new = review.new
        for admit in () if review.options.unreviewed else self.mutating:
            new = await admit(msgspec.structs.replace(review, new=new))
        return new

    async def _judged(self, review: Review) -> None:
        for judge in () if review.options.unreviewed else self.validating:
            await judge(review)

    def readmitted(self, served: Served, changed: Object) -> Object:
        """What an admission made of an object, as if it had been sent so: in the stored spelling, filled."""
        new = self._incoming(served, changed, Options(quiet=True))
        schemas.fill(served, new, self.clock.now())
        return new


class Overtaken(refusals.Refusal):
    """Somebody else wrote between our reading and our writing."""

    def __init__(self, served: Served, key: Key) -> None:
        why = "the object has been modified; please apply your changes to the latest version and try again"
        super().__init__(409, "Conflict", why)
        self.status = refusals.modified(served.group, served.resource.plural, key[1]).status


def _there(new: Object | None) -> Object:
    assert new is not None, "admission gives back what it was given"
    return new


def _with(obj: Object, field: str, value: Any) -> Object:
    rest = {key: member for key, member in obj.items() if key != field}
    return rest if value is None else {**rest, field: value}


def _same(new: Object, old: Object) -> bool:
    """Whether nothing would change: such a write makes no new version."""
    if new.keys() != old.keys() or any(new[key] != old[key] for key in new if key != "metadata"):
        return False
    one, other = new["metadata"], old["metadata"]
    if managers.owners(new) != managers.owners(old):
        return False
    return all(one.get(key) == other.get(key) for key in (one.keys() | other.keys()) - STORED_FLAGS)
