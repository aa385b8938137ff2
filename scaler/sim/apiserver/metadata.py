"""What every object carries: its name, its identity, its generation, and the rules they keep.

Source: the apimachinery rules for names, labels, annotations, finalizers and owner references, and the order in
which a kube-apiserver prepares objects for creation and update.
"""

import random
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from scaler.clock import to_rfc3339
from scaler.errors import Problem
from scaler.sim.apiserver.resources import Resource

Object = dict[str, Any]

SUFFIX_SIGNS = "bcdfghjklmnpqrstvwxz2456789"
"""No vowels and no look-alikes, so that generated names spell nothing."""
LONGEST_PREFIX = 58
STANDARD_FINALIZERS = frozenset({"kubernetes", "orphan", "foregroundDeletion"})
EXTENSION_GROUPS = frozenset({"apiextensions.k8s.io", "apiregistration.k8s.io"})
LARGEST_ANNOTATIONS = 256 * 1024

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")

SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
    "with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start "
    "and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation "
    "is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
KEY_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)


def generated(prefix: str, taken: Callable[[str], bool]) -> str:
    """A name that begins with the prefix and that nobody has."""
    while True:
        name = prefix[:LONGEST_PREFIX] + "".join(random.choices(SUFFIX_SIGNS, k=5))  # noqa: S311 - no secret
        if not taken(name):
            return name


def born(resource: Resource, obj: Object, namespace: str, now: float, *, taken: Callable[[str], bool]) -> None:
    """Give a new object what the server alone says: identity, time of birth, first generation."""
    meta = obj["metadata"] = dict(obj.get("metadata") or {})
    for field in ("selfLink", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"):
        meta.pop(field, None)
    if not meta.get("name") and meta.get("generateName"):
        meta["name"] = generated(meta["generateName"], taken)
    if resource.namespaced:
        meta["namespace"] = namespace
    meta["uid"] = str(uuid.uuid4())
    meta["creationTimestamp"] = to_rfc3339(now)
    if resource.generation:
        meta["generation"] = 1


def carried(resource: Resource, new: Object, old: Object, *, raised: bool = True) -> None:
    """Keep in a new version what no update changes, and raise its generation when what is wanted has changed.

    A write to a subresource wants nothing new.
    """
    meta, before = new["metadata"], old["metadata"]
    for field in ("uid", "deletionTimestamp", "deletionGracePeriodSeconds", "generateName"):
        if field in before:
            meta.setdefault(field, before[field])
    meta["creationTimestamp"] = before["creationTimestamp"]
    meta.pop("selfLink", None)
    meta["resourceVersion"] = before["resourceVersion"]
    if "generation" in before:
        meta["generation"] = before["generation"] + (raised and wants_more(resource, new, old))


def wants_more(resource: Resource, new: Object, old: Object) -> bool:
    """Whether anything but metadata and status differs (or, for some kinds, an annotation)."""
    if resource.generation == ("*",):
        names = (new.keys() | old.keys()) - {
            "metadata",
            "apiVersion",
            "kind",
            *(("status",) if resource.status else ()),
        }
        return any(new.get(name) != old.get(name) for name in names)
    return any(_part(new, name) != _part(old, name) for name in resource.generation)


def _part(obj: Object, name: str) -> Any:
    return obj["metadata"].get("annotations") or None if name == "annotations" else obj.get(name)


def problems(resource: Resource, obj: Object, old: Object | None) -> Iterator[Problem]:
    """What is wrong with the metadata of a new object, or of a new version of `old`."""
    meta = obj["metadata"]
    if old is None:
        yield from _name_problems(resource, meta)
    else:
        yield from _immutable_problems(meta, old["metadata"])
    yield from _label_problems(meta.get("labels") or {})
    yield from _annotation_problems(meta.get("annotations") or {})
    yield from _owner_problems(meta.get("ownerReferences") or [])
    liberal = resource.custom or resource.group in EXTENSION_GROUPS
    yield from _finalizer_problems(meta.get("finalizers") or [], anything=liberal)
    if old is not None and old["metadata"].get("deletionTimestamp"):
        yield from _late_finalizers(meta, old["metadata"])


def _name_problems(resource: Resource, meta: Object) -> Iterator[Problem]:
    name = meta.get("name")
    if not name:
        yield Problem("metadata.name", "Required value: name or generateName is required")
        return
    rule = name_problem(resource.name_pattern, name)
    if rule:
        yield Problem("metadata.name", f'Invalid value: "{name}": {rule}', name)


def name_problem(pattern: str, name: str) -> str | None:
    """What is wrong with a name of that pattern (``subdomain``, ``label`` or ``segment``), if anything."""
    if pattern == "segment":
        if name in {".", ".."}:
            return f"may not be '{name}'"
        return next((f"may not contain '{sign}'" for sign in "/%" if sign in name), None)
    if pattern == "label" and "." in name:
        return "must not contain dots"
    longest, shape, rule = (63, LABEL, LABEL_RULE) if pattern == "label" else (253, SUBDOMAIN, SUBDOMAIN_RULE)
    if len(name) > longest:
        return f"must be no more than {longest} characters"
    return None if shape.fullmatch(name) else rule


def _immutable_problems(meta: Object, before: Object) -> Iterator[Problem]:
    for field in ("uid", "deletionTimestamp", "deletionGracePeriodSeconds"):
        if meta.get(field) != before.get(field):
            shown = meta.get(field)
            said = f'"{shown}"' if isinstance(shown, str) else shown
            yield Problem(f"metadata.{field}", f"Invalid value: {said}: field is immutable", shown)


def _label_problems(labels: dict[str, str]) -> Iterator[Problem]:
    for key, value in labels.items():
        if not qualified(key):
            yield Problem("metadata.labels", f'Invalid value: "{key}": {KEY_RULE}', key)
        if len(value) > 63:
            yield Problem("metadata.labels", f'Invalid value: "{value}": must be no more than 63 bytes', value)
        elif value and not QUALIFIED.fullmatch(value):
            yield Problem("metadata.labels", f'Invalid value: "{value}": {VALUE_RULE}', value)


def _annotation_problems(annotations: dict[str, str]) -> Iterator[Problem]:
    for key in annotations:
        if not qualified(key.lower()):
            yield Problem("metadata.annotations", f'Invalid value: "{key}": {KEY_RULE}', key)
    if sum(len(key) + len(value) for key, value in annotations.items()) > LARGEST_ANNOTATIONS:
        yield Problem("metadata.annotations", f"Too long: may not be more than {LARGEST_ANNOTATIONS} bytes")


def qualified(key: str) -> bool:
    """Whether the key is a name, or a prefix that is a domain, a slash and a name."""
    prefix, slash, name = key.rpartition("/")
    if slash and not (prefix and len(prefix) <= 253 and SUBDOMAIN.fullmatch(prefix)):
        return False
    return len(name) <= 63 and QUALIFIED.fullmatch(name) is not None


def _owner_problems(owners: list[Object]) -> Iterator[Problem]:
    for owner in owners:
        for field in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(field):
                said = "version must not be empty" if field == "apiVersion" else "must not be empty"
                yield Problem(f"metadata.ownerReferences.{field}", f'Invalid value: "": {said}', "")
    controllers = [owner for owner in owners if owner.get("controller")]
    if len(controllers) > 1:
        first, second = controllers[0], controllers[1]
        said = (
            "Only one reference can have Controller set to true. Found "
            f'"true" in references for {first.get("kind")}/{first.get("name")} '
            f"and {second.get('kind')}/{second.get('name')}"
        )
        yield Problem("metadata.ownerReferences", f"Invalid value: {said}", owners)


def _finalizer_problems(finalizers: list[str], *, anything: bool) -> Iterator[Problem]:
    """Extensions take any name, the built-in kinds only those of a domain."""
    for index, name in enumerate(finalizers):
        if not qualified(name):
            yield Problem(f"metadata.finalizers[{index}]", f'Invalid value: "{name}": {KEY_RULE}', name)
        elif not anything and "/" not in name and name not in STANDARD_FINALIZERS:
            said = "name is neither a standard finalizer name nor is it fully qualified"
            yield Problem(f"metadata.finalizers[{index}]", f'Invalid value: "{name}": {said}', name)


def _late_finalizers(meta: Object, before: Object) -> Iterator[Problem]:
    new = [name for name in meta.get("finalizers") or () if name not in (before.get("finalizers") or ())]
    if new:
        listed = ", ".join(f'"{name}"' for name in new)
        said = "no new finalizers can be added if the object is being deleted, found new finalizers "
        yield Problem("metadata.finalizers", f"Forbidden: {said}[]string{{{listed}}}", new)
