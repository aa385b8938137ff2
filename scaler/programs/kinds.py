"""Which kinds of a manifest are ours, by their groups, and what is wrong with a name that is nearly one of them."""

from collections.abc import Iterator

from scaler.api import crd, structure
from scaler.api.crd import SERVED, Served
from scaler.api.rules import group
from scaler.api.scaledobject import GROUP as KEDA
from scaler.api.verticalpodautoscaler import GROUP as VPA
from scaler.errors import Problem

_SERVED: dict[str, Served] = {served.kind: served for served in SERVED}
_NOT_YET = {"ScaledJob": KEDA, "CloudEventSource": "eventing.keda.sh", "ClusterCloudEventSource": "eventing.keda.sh"}
_GROUPS = {KEDA: KEDA, "eventing.keda.sh": KEDA, "keda.k8s.io": KEDA, VPA: VPA, "poc.autoscaling.k8s.io": VPA}
"""Groups of KEDA and of VPA, old ones too, and the group in which their kinds are served now."""
_SCHEMAS: dict[str, crd.Schema] = {}


def served(kind: str, version: str) -> Served | None:
    """The kind, when it is one of ours."""
    found = _SERVED.get(kind)
    return found if found is not None and found.group == group(version) else None


def schema(kind: str) -> crd.Schema:
    """The structural schema of a kind of ours; made once."""
    if kind not in _SCHEMAS:
        _SCHEMAS[kind] = crd.schema(_SERVED[kind].model)
    return _SCHEMAS[kind]


def wrong_kind(kind: str, version: str) -> Iterator[Problem]:
    """What is wrong with apiVersion and kind of an object that is, or seems to be, one of KEDA's or VPA's."""
    if kind in _NOT_YET and group(version) == _NOT_YET[kind]:
        yield Problem("kind", f"{kind} is a kind of KEDA's that this version does not serve: nobody would act on it")
    elif not version:
        yield Problem("apiVersion", "is required" + (f": {_version(_SERVED[kind])}" if kind in _SERVED else ""))
    elif not kind:
        yield Problem("kind", "is required")
    elif group(version) in _GROUPS:
        yield from _wrong_name(kind, version)


def _wrong_name(kind: str, version: str) -> Iterator[Problem]:
    home = _GROUPS[group(version)]
    names = [name for name, one in _SERVED.items() if one.group == home]
    if kind not in names:
        folded = {name.lower(): name for name in names}
        near = folded.get(kind.lower()) or structure.closest(kind, names)
        known = f"did you mean {near}?" if near else f"there are {', '.join(names)}"
        yield Problem("kind", f'"{kind}" is no kind of {home}: {known}')
    versions = [f"{home}/{name}" for name in _SERVED[names[0]].versions]
    if version not in versions:
        old = ", which was KEDA 1's" if group(version) == "keda.k8s.io" else ""
        yield Problem("apiVersion", f'"{version}" is not served{old}: write {versions[0]}')


def _version(served: Served) -> str:
    return f"{served.group}/{served.versions[0]}"
