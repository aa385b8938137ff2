"""A user's own HPA beside a VPA: held like one of ours while he asks for it, then given back as he wrote it.

He asks by an annotation on his HPA. Without it nothing of his is edited, except to give back what was once adopted.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from scaler.api.meta import Raw
from scaler.api.scaledobject import ADOPT, ADOPTED
from scaler.api.verticalpodautoscaler import VerticalPodAutoscaler
from scaler.horizontal.hpa import filled, same_metrics
from scaler.together import originals, setpoints
from scaler.together.hpa import coupled
from scaler.together.meeting import Agreement, agreed, scaler_of, sizer_of
from scaler.together.metrics import place_of
from scaler.together.ownership import settle


def asks(annotations: Mapping[str, str]) -> bool:
    """Whether its user asks for an HPA to be adopted."""
    return annotations.get(ADOPT) == "true"


def concerns(annotations: Mapping[str, str]) -> bool:
    """Whether an HPA is looked at here at all: it is to be adopted, or was."""
    return asks(annotations) or ADOPTED in annotations


def adoption(
    hpa: Raw, others: Iterable[Raw], vpas: Sequence[VerticalPodAutoscaler], pod_spec: Raw | None
) -> Raw | None:
    """The HPA as it is to be; None when it is so, or none of our business.

    `others` are the other HPAs on its workload. Invalid when what its user wrote cannot be known any more.
    """
    meta, spec = hpa["metadata"], hpa.get("spec") or {}
    annotations: Mapping[str, str] = meta.get("annotations") or {}
    alive = meta.get("deletionTimestamp") is None
    if not concerns(annotations) or not alive or scaler_of(hpa).origin == "generated":
        return None
    wish = originals.wished(spec, originals.read(annotations.get(ADOPTED)))
    found = _agreed(hpa, others, vpas, pod_spec, wish) if asks(annotations) and vpas else None
    wanted, said = (wish, {}) if found is None else _held(wish, found)
    kept = {name: text for name, text in annotations.items() if name not in {ADOPTED, setpoints.ANNOTATION}}
    if annotations == kept | said and _same(spec, wanted):
        return None
    return {**hpa, "metadata": {**meta, "annotations": kept | said}, "spec": wanted}


def _agreed(
    hpa: Raw,
    others: Iterable[Raw],
    vpas: Sequence[VerticalPodAutoscaler],
    pod_spec: Raw | None,
    wish: Raw,
) -> Agreement | None:
    """What it is to be held at; None when it is not to be coupled, or nothing says how large its pods are."""
    containers = list((pod_spec or {}).get("containers") or [])
    names = [str(one.get("name")) for one in containers]
    settled = settle([scaler_of(hpa), *map(scaler_of, others)], [sizer_of(vpa, names) for vpa in vpas])
    if settled.case != "coupled":
        return None
    # Of two targets for one and the same no annotation could say which is which: both stay as they are.
    times = Counter(place_of(metric)[1] for metric in wish.get("metrics") or [])
    once = tuple(metric for metric in settled.shared if times[metric.key] == 1)
    before = setpoints.read((hpa["metadata"].get("annotations") or {}).get(setpoints.ANNOTATION))
    found = agreed(msgspec.structs.replace(settled, shared=once), before, vpas, containers)
    return found if found.points else None


def _held(wish: Raw, found: Agreement) -> tuple[Raw, dict[str, str]]:
    """The spec while it is coupled, and what is kept beside it."""
    kept = originals.taken(wish, found.averages, hold=found.rolling)
    said = {ADOPTED: originals.written(kept), setpoints.ANNOTATION: setpoints.written(found.points)}
    return coupled(wish, found.scale_points, hold=found.rolling), said


def _same(spec: Raw, wanted: Raw) -> bool:
    return same_metrics(spec.get("metrics") or [], wanted.get("metrics") or []) and filled(
        spec.get("behavior")
    ) == filled(wanted.get("behavior"))
