"""Amounts as upstream spells them, and what rounds them."""

import numpy as np
import pytest

from scaler.api import verticalpodautoscaler as api
from scaler.quantity import canonical, equal_quantities
from scaler.vertical.amounts import Bounds
from scaler.vertical.estimation import amounts, scaled
from scaler.vertical.quantities import amounts_of
from scaler.vertical.sizing import Rounding, Rules, sizes
from scaler.vertical.status import cpu_quantity, humanized_quantity, memory_quantity, quantities, written
from scaler.vertical.terms import enclosed
from tests.vertical import vectors
from tests.vertical.samples import one, rows

NO, YES = np.array([False]), np.array([True])
FREE = Rules(np.array([[True, True]]), rows(0, 0)[None], rows(0, 0)[None], NO)


def rounded(cpu: int, memory: int, rounding: Rounding, rules: Rules = FREE) -> tuple[int, int]:
    """One target after rounding, as all sizes go."""
    found = sizes(np.array([[[cpu, memory]] * 3]), rules, rounding)
    return int(found[0, 0, 0]), int(found[0, 0, 1])


# -- status_formatting -----------------------------------------------------------------------------------------


def play_resource_list(case: vectors.Case) -> None:
    told = case.input
    cpu, memory = rounded(
        told["resources"]["cpu"], told["resources"]["memory"], Rounding(told["roundCPU"], told["roundMemory"])
    )
    found = quantities({"cpu": cpu, "memory": memory}, humanized=told["humanize"])
    assert found == case.expected["resourceList"]


def play_humanized(case: vectors.Case) -> None:
    assert humanized_quantity(case.input["value"]) == case.expected["wanted"]


def play_order(case: vectors.Case) -> None:
    told = {name: Bounds(target=one["Target"]) for name, one in case.input["resources"].items()}
    found = written(told).container_recommendations
    assert [container.container_name for container in found] == case.expected["expectedLast"]
    assert all(amounts_of(container.target) == told[container.container_name].target for container in found)


# -- post_processor --------------------------------------------------------------------------------------------


def play_name(case: vectors.Case) -> None:
    assert enclosed(case.input["key"], case.input["prefix"], case.input["suffix"]) == case.expected["want"]


def play_integer(case: vectors.Case) -> None:
    found = amounts_of(case.input["recommendation"])
    cpu, memory = rounded(found["cpu"], found["memory"], Rounding(), FREE._replace(whole_cores=YES))
    assert quantities({"cpu": cpu, "memory": memory}) == case.expected["expectedRecommendation"]


def play_process(case: vectors.Case) -> None:
    asked = {
        enclosed(name, f"{api.POST_PROCESSOR}/", api.INTEGER_CPU)
        for name, value in case.input["vpa"]["metadata"]["annotations"].items()
        if value == "true"
    }
    for told, wanted in zip(
        case.input["recommendation"]["containerRecommendations"],
        case.expected["want"]["containerRecommendations"],
        strict=True,
    ):
        for which in ("target", "uncappedTarget"):
            before = amounts_of(told[which])
            whole = YES if told["containerName"] in asked else NO
            cpu, memory = rounded(before["cpu"], before["memory"], Rounding(), FREE._replace(whole_cores=whole))
            found = quantities({"cpu": cpu, "memory": memory})
            assert all(equal_quantities(found[name], wanted[which][name]) for name in ("cpu", "memory"))


# -- unit_conversion -------------------------------------------------------------------------------------------


def play_scale(case: vectors.Case) -> None:
    value, scale = case.input["value"], case.input["scale"]
    if case.expected["expectedErr"]:
        return  # such a step is refused where it is set: see the recommender's settings
    assert rounded(value, value, Rounding(scale, scale)) == (case.expected["expected"],) * 2


def play_units(case: vectors.Case) -> None:
    """A dozen functions of upstream's, by what goes into them."""
    told = case.input
    want = case.expected.get("want", case.expected.get("modelResources"))
    found = {
        "cores": lambda: int(amounts(one(told["cores"] * 1000.0))[0]),
        "bytes": lambda: int(amounts(one(told["bytes"]))[0]),
        "cpuAmount": lambda: cpu_quantity(told["cpuAmount"]) if isinstance(want, str) else told["cpuAmount"] / 1000.0,
        "memoryAmount": lambda: memory_quantity(told["memoryAmount"]) if isinstance(want, str) else want,
        "apiResources": lambda: list(amounts_of(dict.fromkeys(told["apiResources"], "1"))),
        "amount": lambda: int(
            scaled(rows(told["amount"]), told["factor"])[0] if "factor" in told else amounts(one(told["amount"]))[0]
        ),
    }
    assert next(give() for name, give in found.items() if name in told) == want


TABLES = {
    "TestResourcesAsResourceList": play_resource_list,
    "TestHumanizeMemoryQuantity": play_humanized,
    "TestMapToListOfRecommendedContainerResources": play_order,
    "TestExtractContainerName": play_name,
    "TestSetIntegerCPURecommendation": play_integer,
    "TestIntegerCPUPostProcessor_Process": play_process,
    "TestRoundUpToScale": play_scale,
}


def play(case: vectors.Case) -> None:
    TABLES[case.table](case) if case.kind != "unit_conversion" else TABLES.get(case.table, play_units)(case)


PLAYERS = {"status_formatting": play, "post_processor": play, "unit_conversion": play}


@pytest.mark.parametrize("case", vectors.cases(*PLAYERS))
def test_upstreams_answer_is_ours(case: vectors.Case) -> None:
    PLAYERS[case.kind](case)


@pytest.mark.parametrize(
    ("millicores", "text"),
    [(0, "0"), (126, "126m"), (1000, "1"), (1500, "1500m"), (10**6, "1k"), (10**14, "100G")],
)
def test_cpu_is_spelt_in_thousandths(millicores: int, text: str) -> None:
    assert cpu_quantity(millicores) == text == canonical(text)


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0"), (380258472, "380258472"), (262144000, "250Mi"), (10**14, "97656250000Ki"), (10**9, "1000000000")],
)
def test_memory_is_spelt_in_powers_of_1024(size: int, text: str) -> None:
    assert memory_quantity(size) == text


def test_humanizing_does_not_go_beyond_the_policys_maximum() -> None:
    most = 1_073_741_823
    found = written({"app": Bounds(*[{"memory": most}] * 4)}, humanized=True, most={"app": most - 10_000_000})
    assert found.container_recommendations[0].target == {"memory": str(most - 10_000_000)}
    assert found.container_recommendations[0].uncapped_target == {"memory": "1Gi"}


def test_nothing_controlled_is_an_empty_list() -> None:
    assert written({"app": Bounds()}).container_recommendations[0].target == {}
