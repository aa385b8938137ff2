"""How settings are spelt and read."""

import pytest

from scaler.settings import knobs, reference
from scaler.settings.knobs import Duration, read, spellings
from scaler.settings.operator import OperatorSettings
from scaler.settings.shared import Watch

PROGRAMS = [declared for _, declared in reference.PROGRAMS]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("15s", 15), ("500ms", 0.5), ("1m30s", 90), ("2h", 7200), ("3", 3), ("0.5", 0.5), ("1.5h", 5400), ("0", 0)],
)
def test_a_duration_is_written_as_go_does_or_in_bare_seconds(text: str, seconds: float) -> None:
    assert read(Duration, text) == seconds


def test_a_bare_number_counts_the_unit_that_is_customary_there() -> None:
    assert knobs.seconds("3000", "ms") == 3.0
    assert knobs.seconds("3s", "ms") == 3.0


@pytest.mark.parametrize("text", ["", "soon", "15 s", "-1s", "1s2", "s"])
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration such as 15s"):
        read(Duration, text)


@pytest.mark.parametrize("text", [":8080", "127.0.0.1:0", "[::1]:8080", "scaler.keda.svc:9666"])
def test_an_address_names_a_port(text: str) -> None:
    assert read(knobs.Address, text) == text


@pytest.mark.parametrize("text", ["8080", "::1:8080", ":http", ":70000", ""])
def test_what_is_no_address_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="is not an address such as :8080"):
        read(knobs.Address, text)


def test_an_address_splits_into_host_and_port() -> None:
    assert [knobs.split(one) for one in (":80", "a:80", "[::1]:80")] == [("", 80), ("a", 80), ("::1", 80)]


@pytest.mark.parametrize(("text", "value"), [("enabled", True), ("True", True), ("0", False), ("disabled", False)])
def test_truth_is_read_in_every_spelling_that_keda_uses(text: str, value: bool) -> None:
    assert read(bool, text) is value


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        (bool, "perhaps", "'perhaps' is neither true nor false"),
        (int, "many", "'many' is not a whole number"),
        (float, "many", "'many' is not a number"),
    ],
)
def test_a_wrong_value_is_named(kind: type, text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read(kind, text)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_every_setting_has_words_and_names_of_its_own(program: type) -> None:
    spelt = list(spellings(program))
    assert [one.flag for one in spelt if not one.doc] == []
    assert len({one.flag for one in spelt}) == len(spelt)
    assert len({one.variable for one in spelt}) == len(spelt)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_every_default_reads_back_from_how_it_is_shown(program: type) -> None:
    for one in spellings(program):
        if one.default not in ("", (), None):
            assert read(one.type, knobs.shown(one.type, one.default)) == one.default


def test_given_values_stand_where_they_belong_and_the_rest_is_default() -> None:
    built = knobs.build(OperatorSettings, {"leader__leader_elect": False})
    assert built.leader.leader_elect is False
    assert built.watch == Watch()
