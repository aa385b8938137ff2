"""Whole numbers of quantities, and short quantities of whole numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaler.vertical.quantities import amount_of, amounts_of, millicores, spelt, whole_bytes


@pytest.mark.parametrize(
    ("text", "millis"), [("1", 1000), ("250m", 250), ("1500u", 2), ("0.0001", 1), ("2k", 2_000_000), (1.5, 1500)]
)
def test_a_part_of_a_millicore_counts_as_one(text: str | float, millis: int) -> None:
    assert millicores(text) == millis


@pytest.mark.parametrize(("text", "size"), [("1Ki", 1024), ("1500m", 2), ("1.5Gi", 1610612736), ("1G", 10**9)])
def test_a_part_of_a_byte_counts_as_one(text: str, size: int) -> None:
    assert whole_bytes(text) == size


@pytest.mark.parametrize(
    ("resource", "amount", "text"),
    [
        ("cpu", 126, "126m"),
        ("cpu", 2000, "2"),
        ("cpu", 0, "0"),
        ("cpu", 2_000_000, "2k"),
        ("memory", 262144000, "250Mi"),
        ("memory", 380258472, "380258472"),
        ("memory", 10**9, "1G"),
        ("memory", 0, "0"),
    ],
)
def test_the_shortest_spelling_is_written(resource: str, amount: int, text: str) -> None:
    assert spelt(resource, amount) == text


@given(st.sampled_from(["cpu", "memory"]), st.integers(0, 2**63 - 1))
def test_what_is_written_reads_as_it_was(resource: str, amount: int) -> None:
    assert amount_of(resource, spelt(resource, amount)) == amount


def test_other_resources_are_not_ours() -> None:
    assert amounts_of({"cpu": "1", "nvidia.com/gpu": "2", "memory": None}) == {"cpu": 1000}


def test_what_is_no_quantity_is_named() -> None:
    with pytest.raises(ValueError, match='"1GB" is not a quantity'):
        whole_bytes("1GB")
