"""The closed list of event reasons: their names, whether each is a warning, and when each is told.

Names and types are upstream's, for alerts and dashboards are keyed on them; the messages are their teller's.
"""

from typing import Final, Literal

import msgspec


class Reason(msgspec.Struct, frozen=True):
    """One reason an event may carry."""

    name: str
    """CamelCase, as `kubectl get events` shows it."""
    type: Literal["Normal", "Warning"]
    """Whether somebody should look."""
    meaning: str
    """When it is told."""


def _normal(name: str, meaning: str) -> Reason:
    return Reason(name, "Normal", meaning)


def _warning(name: str, meaning: str) -> Reason:
    return Reason(name, "Warning", meaning)


SCALED_OBJECT_READY: Final = _normal("ScaledObjectReady", "A ScaledObject has become ready to scale.")
SCALED_OBJECT_CHECK_FAILED: Final = _warning("ScaledObjectCheckFailed", "A ScaledObject cannot work as it stands.")
SCALED_OBJECT_UPDATE_FAILED: Final = _warning("ScaledObjectUpdateFailed", "A ScaledObject could not be written.")
SCALED_OBJECT_DELETED: Final = _warning("ScaledObjectDeleted", "A ScaledObject has been deleted.")
SCALED_OBJECT_PAUSED: Final = _normal("ScaledObjectPaused", "A pause has begun.")
SCALED_OBJECT_UNPAUSED: Final = _normal("ScaledObjectUnpaused", "A pause has ended.")
FALLBACK_ACTIVATED: Final = _normal("ScaledObjectFallbackActivated", "A fallback's figure stands in for a source.")
FALLBACK_DEACTIVATED: Final = _normal("ScaledObjectFallbackDeactivated", "No fallback stands in any more.")
SCALERS_STARTED: Final = _normal("KEDAScalersStarted", "Triggers were built, or their polling began.")
SCALERS_STOPPED: Final = _normal("KEDAScalersStopped", "Polling has ended.")
SCALER_FAILED: Final = _warning("KEDAScalerFailed", "A trigger could not be built or read.")
METRIC_SOURCE_FAILED: Final = _warning("KEDAMetricSourceFailed", "A formula gave no metric.")
SCALER_INFO: Final = _normal("KEDAScalerInfo", "A field has no effect as it is set, or is going to go.")
TARGET_ACTIVATED: Final = _normal("KEDAScaleTargetActivated", "A workload was scaled from zero or from idle.")
TARGET_DEACTIVATED: Final = _normal("KEDAScaleTargetDeactivated", "A workload was scaled to zero or to idle.")
TARGET_ACTIVATION_FAILED: Final = _warning("KEDAScaleTargetActivationFailed", "Scaling from zero or idle failed.")
TARGET_DEACTIVATION_FAILED: Final = _warning("KEDAScaleTargetDeactivationFailed", "Scaling to zero or idle failed.")
AUTHENTICATION_ADDED: Final = _normal("TriggerAuthenticationAdded", "A TriggerAuthentication is new.")
AUTHENTICATION_UPDATED: Final = _normal("TriggerAuthenticationUpdated", "A TriggerAuthentication has changed.")
AUTHENTICATION_DELETED: Final = _normal("TriggerAuthenticationDeleted", "A TriggerAuthentication is gone.")
AUTHENTICATION_FAILED: Final = _warning("TriggerAuthenticationFailed", "A TriggerAuthentication cannot work.")
CLUSTER_AUTHENTICATION_ADDED: Final = _normal(
    "ClusterTriggerAuthenticationAdded", "A ClusterTriggerAuthentication is new."
)
CLUSTER_AUTHENTICATION_UPDATED: Final = _normal(
    "ClusterTriggerAuthenticationUpdated", "A ClusterTriggerAuthentication has changed."
)
CLUSTER_AUTHENTICATION_DELETED: Final = _normal(
    "ClusterTriggerAuthenticationDeleted", "A ClusterTriggerAuthentication is gone."
)
CLUSTER_AUTHENTICATION_FAILED: Final = _warning(
    "ClusterTriggerAuthenticationFailed", "A ClusterTriggerAuthentication cannot work."
)
EVICTED_BY_VPA: Final = _normal("EvictedByVPA", "A pod was evicted, to be created again with other requests.")
EVICTED_POD: Final = _normal("EvictedPod", "Pods of a VerticalPodAutoscaler were evicted.")
RESIZED_IN_PLACE: Final = _normal("InPlaceResizedByVPA", "A pod was resized while it runs.")
EVICTIONS_INEFFECTIVE: Final = _warning("EvictionsIneffective", "Pods that were evicted came back as they were.")

ALL: Final[dict[str, Reason]] = {
    reason.name: reason for reason in list(globals().values()) if isinstance(reason, Reason)
}
"""Every reason by its name."""
