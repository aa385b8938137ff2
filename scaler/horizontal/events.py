"""What the user is told, each by a function of its name; when it is told is the caller's business."""

from scaler.actions import Tell
from scaler.api import reasons
from scaler.api.reasons import Reason
from scaler.api.scaledobject import ScaledObject
from scaler.horizontal.metric_names import COMPOSITE

_LONGEST = 900
"""Characters; the API server takes 1024 for an event's message."""


def ready(scaled: ScaledObject) -> Tell:
    return _tell(scaled, reasons.SCALED_OBJECT_READY, "Ready to scale its workload")


def check_failed(scaled: ScaledObject, why: str) -> Tell:
    return _tell(scaled, reasons.SCALED_OBJECT_CHECK_FAILED, why)


def deleted(scaled: ScaledObject) -> Tell:
    return _tell(scaled, reasons.SCALED_OBJECT_DELETED, "Deleted; its HPA goes with it")


def paused(scaled: ScaledObject, how: str) -> Tell:
    return _tell(scaled, reasons.SCALED_OBJECT_PAUSED, f"Paused by annotation: {how}")


def unpaused(scaled: ScaledObject) -> Tell:
    return _tell(scaled, reasons.SCALED_OBJECT_UNPAUSED, "No pause annotation is set any more")


def built(scaled: ScaledObject, types: str) -> Tell:
    """The triggers of these types were built."""
    return _tell(scaled, reasons.SCALERS_STARTED, f"Triggers are built: {types}")


def polling(scaled: ScaledObject) -> Tell:
    return _tell(scaled, reasons.SCALERS_STARTED, f"Polling begins, every {scaled.spec.polling:g} s")


def stopped(scaled: ScaledObject) -> Tell:
    return _tell(scaled, reasons.SCALERS_STOPPED, "Polling has ended")


def info(scaled: ScaledObject, what: str) -> Tell:
    return _tell(scaled, reasons.SCALER_INFO, what)


def unexpected(scaled: ScaledObject, what: str) -> Tell:
    """A parameter that nobody reads; asked for by a flag, it is a warning, as upstream has it."""
    return Tell(scaled.ref, "Warning", reasons.SCALER_INFO.name, what[:_LONGEST])


def trigger_failed(scaled: ScaledObject, metric: str, why: str) -> Tell:
    if metric == COMPOSITE:
        return _tell(scaled, reasons.METRIC_SOURCE_FAILED, f"The formula gives no metric: {why}")
    return _tell(scaled, reasons.SCALER_FAILED, f"{metric} cannot be read: {why}")


def fallback(scaled: ScaledObject, *, engaged: bool, why: str = "") -> Tell:
    if engaged:
        return _tell(scaled, reasons.FALLBACK_ACTIVATED, f"The fallback stands in{': ' if why else ''}{why}")
    return _tell(scaled, reasons.FALLBACK_DEACTIVATED, "Every source can be read again; no fallback stands in")


def scaled_to(scaled: ScaledObject, reason: Reason, what: str, error: str) -> Tell:
    """The workload was scaled, or could not be."""
    return _tell(scaled, reason, f"{what} failed: {error}" if error else what)


def _tell(scaled: ScaledObject, reason: Reason, message: str) -> Tell:
    return Tell(scaled.ref, reason.type, reason.name, message[:_LONGEST])
