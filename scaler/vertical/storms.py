"""Pods that come back unchanged: an eviction that changes nothing must not be repeated for ever.

The webhook may fail silently, its configuration may be gone, or something else may put the requests back. Then a pod
comes back as it was, is outside its range again, and would be evicted every minute. After such a return the pods of
the object are held, twice as long each time; then one pod is tried.
"""

import msgspec

from scaler.vertical.observed import observed_containers
from scaler.vertical.pods import SizedPod
from scaler.vertical.verdict import Appraisal

FIRST_HOLD = 120.0
LONGEST_HOLD = 3600.0
"""Seconds."""

Shape = tuple[tuple[str, int | None, int | None], ...]
"""What the containers of a pod request, by name."""


class Storm(msgspec.Struct):
    """What came of the evictions of one object's pods."""

    known: set[str]
    """uids of the pods that were there when one was evicted last."""
    shapes: set[Shape]
    """What those that were evicted requested."""
    strikes: int = 0
    """How often in a row pods came back unchanged."""
    until: float = 0.0
    """Epoch seconds until which its pods are held."""
    seen_by_webhook: bool = False
    """Whether the webhook had its hand in the pods that came back."""


def shape_of(appraisal: Appraisal) -> Shape:
    """What the containers of a pod request."""
    return tuple((one.name, one.requests.get("cpu"), one.requests.get("memory")) for one in appraisal.containers)


def evicted(storm: Storm | None, pod: SizedPod, appraisal: Appraisal, there: set[str]) -> Storm:
    """Remember an eviction; `there` are the uids of all pods of the object that live."""
    storm = storm or Storm(set(), set())
    storm.known |= there
    storm.known.add(pod.metadata.uid)
    storm.shapes.add(shape_of(appraisal))
    return storm


def look(storm: Storm, pods: list[tuple[SizedPod, Appraisal]], now: float) -> bool:
    """See what came back, among the pods that there are; whether some did unchanged that were not seen before."""
    new = [(pod, appraisal) for pod, appraisal in pods if pod.metadata.uid not in storm.known]
    if not new:
        return False
    storm.known |= {pod.metadata.uid for pod, _ in new}
    unchanged = [pod for pod, found in new if found.selected and shape_of(found) in storm.shapes]
    if not unchanged:
        storm.strikes, storm.until = 0, 0.0
        storm.shapes.clear()
        return False
    if now < storm.until:
        return False  # of the same evictions
    storm.until = now + min(FIRST_HOLD * 2**storm.strikes, LONGEST_HOLD)
    storm.strikes += 1
    storm.seen_by_webhook = any(observed_containers(pod) is not None for pod in unchanged)
    return True


def held(storm: Storm | None, now: float) -> str:
    """Why the object's pods are held; empty when they are not."""
    if storm is None or not storm.strikes or now >= storm.until:
        return ""
    return f"{came_back(storm)}; one is tried again in {storm.until - now:.0f} s"


ONE_FIRST = "pods that were evicted came back unchanged before: one is tried, and the others wait"


def came_back(storm: Storm) -> str:
    """What happened, and where to look."""
    if storm.seen_by_webhook:
        return (
            "pods that were evicted came back with the same requests though the webhook sized them: something else"
            " sets them, such as another webhook or a LimitRange"
        )
    return (
        "pods that were evicted came back with the same requests: the webhook did not size them; look at its log, and"
        " at its configuration with: kubectl get mutatingwebhookconfigurations"
    )


def forget_gone(storm: Storm, there: set[str]) -> None:
    """Keep no uid of a pod that is gone."""
    storm.known &= there
