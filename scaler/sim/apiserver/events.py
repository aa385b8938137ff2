"""Events have two spellings, ``v1`` and ``events.k8s.io/v1``, of one stored object."""

from typing import Any

Object = dict[str, Any]

NAMES = {
    "involvedObject": "regarding",
    "message": "note",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}
"""Core's name of a field, and the newer one."""


def to_core(event: Object) -> Object:
    """From events.k8s.io/v1."""
    return _renamed(event, {newer: core for core, newer in NAMES.items()}) | {"apiVersion": "v1"}


def to_newer(event: Object) -> Object:
    """To events.k8s.io/v1."""
    shown = {
        key: value for key, value in event.items() if value or key not in {"reportingComponent", "reportingInstance"}
    }
    return _renamed(shown, NAMES) | {"apiVersion": "events.k8s.io/v1"}


def _renamed(event: Object, names: dict[str, str]) -> Object:
    return {names.get(key, key): value for key, value in event.items()}
