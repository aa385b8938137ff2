"""Upstream's cases of the pod side, read into the values that judgement takes, and answers made comparable."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from scaler.api.verticalpodautoscaler import VerticalPodAutoscaler
from scaler.clock import from_rfc3339
from scaler.vertical.amounts import Bounds, Recommendation
from scaler.vertical.limit_ranges import Item, LimitRangeItem, Ranges, merged
from scaler.vertical.pods import SizedPod
from scaler.vertical.quantities import amount_of, amounts_of
from scaler.vertical.reading import rules_of
from scaler.vertical.resize import Operation
from scaler.vertical.rules import Rules
from tests.vertical.vectors import Case

UNSOUND = ("upstreamCrash", "upstreamQuirk")
"""Marks of cases where upstream panicked, or answered what no pod can have: there we need only stay sane."""


def pod_of(raw: Mapping[str, Any] | None) -> SizedPod:
    return msgspec.convert(raw or {}, SizedPod)


def vpa_of(raw: Mapping[str, Any] | None) -> VerticalPodAutoscaler:
    """Upstream's tests leave out what an object always has."""
    raw = dict(raw or {})
    spec = {key: value for key, value in (raw.get("spec") or {}).items() if value is not None}
    status = raw.get("status") or {}
    raw |= {"metadata": raw.get("metadata") or {}, "spec": spec, "status": status}
    if "recommendation" in status:
        named = [
            {"target": {}, **one} for one in (status["recommendation"] or {}).get("containerRecommendations") or ()
        ]
        raw["status"] = status | {"recommendation": {"containerRecommendations": named}}
    return msgspec.convert(raw, VerticalPodAutoscaler)


def rules_from(raw: Mapping[str, Any] | None) -> Rules:
    return rules_of(vpa_of(raw))


def rules_for(recommendation: Any, policy: Any = None, mode: str = "Recreate", name: str = "vpa") -> Rules:
    """Rules of an object with these parts."""
    return rules_from(
        {
            "metadata": {"name": name},
            "spec": {"resourcePolicy": policy or {}, "updatePolicy": {"updateMode": mode}},
            "status": {} if recommendation is None else {"recommendation": recommendation},
        }
    )


def item_of(raw: Mapping[str, Any] | None, scope: Any) -> Item | None:
    if raw is None:
        return None
    return merged([msgspec.convert({**raw, "type": scope}, LimitRangeItem)], scope)


def ranges_from(container: Any, pod: Any) -> Ranges:
    return Ranges(item_of(container, "Container"), item_of(pod, "Pod"))


def recommendation_from(raw: Mapping[str, Any] | None) -> Recommendation:
    fields = {"target": "target", "lower": "lowerBound", "upper": "upperBound", "uncapped": "uncappedTarget"}
    return {
        one["containerName"]: Bounds(**{ours: amounts_of(one.get(theirs) or {}) for ours, theirs in fields.items()})
        for one in (raw or {}).get("containerRecommendations") or ()
    }


def amount(resource: Any, text: Any) -> int | None:
    """A quantity of upstream's answer in whole numbers: its spelling is a matter of taste."""
    return None if text is None else amount_of(resource, text)


def operations(patch: Iterable[Operation]) -> list[tuple[str, str, Any]]:
    """A patch without an order, and without a spelling of quantities."""
    return sorted(((*_operation(msgspec.to_builtins(one)),) for one in patch), key=str)


def expected_operations(patch: Iterable[Mapping[str, Any]] | None) -> list[tuple[str, str, Any]]:
    lowered = ({key.lower(): value for key, value in one.items()} for one in patch or ())
    return sorted(((*_operation(one),) for one in lowered), key=str)


def _operation(one: Mapping[str, Any]) -> tuple[str, str, Any]:
    path, value = one["path"], one.get("value", {} if one["op"] == "add" else None)
    last = path.rpartition("/")[2]
    if path.startswith("/spec") and last in {"cpu", "memory"} and value is not None:
        value = amount_of(last, value)
    return one["op"], path, value


def is_unsound(case: Case) -> bool:
    return isinstance(case.expected, dict) and any(case.expected.get(mark) for mark in UNSOUND)


def now_of(case: Case) -> float:
    return from_rfc3339(case.input["_now"])
