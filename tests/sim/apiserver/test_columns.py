"""Ages as kubectl spells them."""

import pytest

from scaler.sim.apiserver.columns import age, since

MINUTE, HOUR, DAY, YEAR = 60, 3600, 86400, 365 * 86400
AGES = {
    0: "0s",
    45: "45s",
    119: "119s",
    2 * MINUTE: "2m",
    3 * MINUTE + 20: "3m20s",
    10 * MINUTE + 5: "10m",
    3 * HOUR: "3h",
    3 * HOUR + 5 * MINUTE: "3h5m",
    9 * HOUR + 5 * MINUTE: "9h",
    48 * HOUR: "2d",
    3 * DAY + 4 * HOUR: "3d4h",
    9 * DAY + 4 * HOUR: "9d",
    2 * YEAR + 5 * DAY: "2y5d",
    9 * YEAR: "9y",
    -1: "0s",
    -10: "<invalid>",
}


@pytest.mark.parametrize("seconds", AGES)
def test_an_age_is_spelled_as_kubectl_does(seconds: int) -> None:
    assert age(seconds) == AGES[seconds]


def test_the_age_of_nothing_is_unknown() -> None:
    assert since(None, 0) == "<unknown>"
    assert since("1970-01-01T00:00:10Z", 55) == "45s"
