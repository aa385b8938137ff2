"""Which ScaledObject a person means by ``so/worker``, ``deploy/worker`` or ``hpa/keda-hpa-worker``.

Pure: it looks through the ScaledObjects of one namespace.
"""

import difflib
from collections.abc import Sequence

import msgspec

from scaler.api.meta import Raw
from scaler.api.scaledobject import ScaledObject
from scaler.errors import Invalid, Problem

_SCALED = frozenset({"scaledobject", "scaledobjects", "so"})
VPAS = frozenset({"verticalpodautoscaler", "verticalpodautoscalers", "vpa"})
"""How that kind is written; it is explained by itself."""
_HPAS = frozenset({"horizontalpodautoscaler", "horizontalpodautoscalers", "hpa"})
_SHORT = {
    "deploy": "deployment",
    "sts": "statefulset",
    "rs": "replicaset",
    "rc": "replicationcontroller",
    "ro": "rollout",
}


class Named(msgspec.Struct, frozen=True):
    """What was asked for."""

    kind: str
    """Lower case, without its group."""
    name: str

    @property
    def scaled(self) -> bool:
        """It is the ScaledObject itself."""
        return self.kind in _SCALED

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


def named(text: str) -> Named:
    """KIND/NAME, or a name alone for a ScaledObject; Invalid says what would be right."""
    kind, slash, name = text.partition("/")
    if not slash:
        kind, name = "scaledobject", text
    if not kind or not name or "/" in name:
        raise Invalid(
            [Problem(text, "is no object: write KIND/NAME, as in scaledobject/worker or deployment/worker")]
        )
    return Named(kind.lower().partition(".")[0], name)


def meant(asked: Named, namespace: str, there: Sequence[Raw]) -> Raw:
    """The ScaledObject that is meant; Invalid when there is none."""
    for raw in there:
        if _fits(asked, raw):
            return raw
    raise Invalid([Problem(str(asked), _nothing(asked, namespace, there))])


def _fits(asked: Named, raw: Raw) -> bool:
    spec, status = raw.get("spec") or {}, raw.get("status") or {}
    if asked.scaled:
        return _own_name(raw) == asked.name
    if asked.kind in _HPAS:
        return asked.name in {status.get("hpaName"), hpa_name(raw)}
    ref = spec.get("scaleTargetRef") or {}
    kind = str(ref.get("kind") or "Deployment").lower()
    return ref.get("name") == asked.name and kind in {
        asked.kind,
        asked.kind.removesuffix("s"),
        _SHORT.get(asked.kind),
    }


def _nothing(asked: Named, namespace: str, there: Sequence[Raw]) -> str:
    what = "no such ScaledObject" if asked.scaled else f"no ScaledObject scales a {asked.kind} of that name"
    if asked.kind in _HPAS:
        what = "no ScaledObject has an HPA of that name"
    names = sorted(_own_name(raw) for raw in there)
    if not names:
        return f"{what} in namespace {namespace}: there is none at all; name another namespace with -n"
    near = difflib.get_close_matches(asked.name, names, n=1)
    if near:
        return f"{what} in namespace {namespace}: did you mean so/{near[0]}?"
    shown = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
    return f"{what} in namespace {namespace}: there are {shown}"


def _own_name(raw: Raw) -> str:
    return str((raw.get("metadata") or {}).get("name") or "")


def hpa_name(raw: Raw) -> str:
    """The name its HPA has, or would have."""
    try:
        return msgspec.convert(raw, ScaledObject).hpa_name
    except msgspec.ValidationError:  # an older version's object: the rule by itself
        return f"keda-hpa-{_own_name(raw)}"
