"""What a namespace would refuse is not asked of it."""

import pytest

from scaler.vertical.amounts import Amounts
from scaler.vertical.forbidden_sizes import forbidden
from scaler.vertical.limit_ranges import Item, Ranges
from scaler.vertical.pods import Sized, sized
from tests.vertical.pod_side import pod_of

MIB = 1 << 20
CPU_TO_100 = Ranges(container=Item(maximum={"cpu": 100}))


@pytest.mark.parametrize(
    ("requests", "limits", "ranges", "words"),
    [
        ({"cpu": 100}, {}, CPU_TO_100, ""),
        (
            {"cpu": 101},
            {},
            CPU_TO_100,
            "container app would have 101m of cpu, and a LimitRange of the namespace allows 100m",
        ),
        ({"cpu": 50}, {"cpu": 200}, CPU_TO_100, "container app would have 200m of cpu"),
        ({"memory": 10}, {}, Ranges(container=Item(minimum={"memory": 64 * MIB})), "wants 64Mi at least"),
        ({"cpu": 500}, {}, Ranges(pod=Item(maximum={"cpu": 600})), "the pod would have 700m of cpu"),
        ({"cpu": 400}, {}, Ranges(pod=Item(maximum={"cpu": 600})), ""),
        ({}, {}, CPU_TO_100, ""),
    ],
)
def test_sizes_outside_of_a_limit_range_are_named(
    requests: Amounts, limits: Amounts, ranges: Ranges, words: str
) -> None:
    said = forbidden(containers(side="200m" if ranges.pod else "10m"), [(requests, limits), ({}, {})], ranges)
    assert said == "" if not words else words in said


def containers(side: str) -> list[Sized]:
    """Two, of which the second requests something."""
    spec = [{"name": "app"}, {"name": "side", "resources": {"requests": {"cpu": side}}}]
    return list(sized(pod_of({"spec": {"containers": spec}})))
