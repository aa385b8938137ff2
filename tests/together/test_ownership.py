"""Every way in which HPAs and VPAs meet on a workload has one settlement, and says so."""

import pytest

from scaler.together.conditions import coupled
from scaler.together.metrics import Metric
from scaler.together.ownership import Scaler, Settlement, Sizer, settle
from scaler.together.setpoints import SetPoint

CPU = Metric("cpu", utilization=50)
BOTH = {"app": frozenset({"cpu", "memory"}), "proxy": frozenset({"cpu", "memory"})}
OURS = Scaler("keda-hpa-web", "generated", (CPU,), "web")
THEIRS = Scaler("web", "user", (CPU,))
VPA = Sizer("web", sizes=BOTH)


def message(settled: Settlement) -> str:
    return coupled(settled, {"cpu": SetPoint(50, 1000)}).message


def test_our_hpa_and_a_vpa_act_as_one() -> None:
    settled = settle([OURS], [VPA])
    assert (settled.case, settled.shared, settled.left) == ("coupled", (CPU,), {})
    assert message(settled) == (
        "HPA keda-hpa-web and VPA web act as one: replicas hold cpu at 500m a pod (50% of the 1 that the template"
        " requests); VPA web sizes the pods around that"
    )


def test_a_users_hpa_keeps_its_resource_and_the_rest_is_sized() -> None:
    settled = settle([THEIRS], [VPA])
    assert settled.case == "left-to-hpa"
    assert settled.left == {"app": {"cpu"}, "proxy": {"cpu"}}
    assert "with a ScaledObject in the HPA's place both would act as one" in message(settled)


def test_a_users_hpa_that_he_lets_us_adopt_is_coupled() -> None:
    assert settle([Scaler("web", "adopted", (CPU,))], [VPA]).case == "coupled"


def test_a_metric_of_one_container_leaves_the_others_alone() -> None:
    settled = settle([Scaler("web", "user", (Metric("cpu", "app", 50),))], [VPA])
    assert settled.left == {"app": {"cpu"}}


@pytest.mark.parametrize(
    ("scalers", "sizers", "case"),
    [
        ([Scaler("web", "generated", ())], [VPA], "nothing-shared"),
        ([OURS], [Sizer("web", sizes={"app": frozenset({"memory"})})], "nothing-shared"),
        ([OURS], [Sizer("web", acts=False, sizes=BOTH)], "advice-only"),
        ([OURS, THEIRS], [VPA], "several-hpas"),
        ([OURS], [VPA, Sizer("other", sizes=BOTH)], "several-vpas"),
        ([OURS], [VPA, Sizer("advice", acts=False, sizes=BOTH)], "coupled"),
    ],
)
def test_the_other_cases(scalers: list[Scaler], sizers: list[Sizer], case: str) -> None:
    settled = settle(scalers, sizers)
    assert settled.case == case
    found = coupled(settled, {})
    assert found.status == ("True" if case == "coupled" else "False")
    assert all(one.name in found.message for one in scalers)


def test_with_several_nothing_that_an_hpa_is_held_against_is_sized() -> None:
    assert settle([OURS, THEIRS], [VPA]).left == {"app": {"cpu"}, "proxy": {"cpu"}}
    assert settle([OURS], [VPA, Sizer("other", sizes=BOTH)]).left == {"app": {"cpu"}, "proxy": {"cpu"}}
