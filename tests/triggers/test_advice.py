"""Warnings and notes on a trigger's parameters."""

from scaler.triggers.advice import absent_variables, warnings
from scaler.triggers.parameters import Given
from tests.triggers.test_parameters import GOOD, Sample


def told(metadata: dict[str, str]) -> list[str]:
    return [str(problem) for problem in warnings(Sample, Given(metadata))]


def test_warnings_name_an_unknown_key_and_what_was_perhaps_meant() -> None:
    assert told({**GOOD, "queueLenght": "5"}) == [
        "metadata.queueLenght: is not a parameter of this type: did you mean queueLength?"
    ]
    assert told({**GOOD, "colour": "red"}) == ["metadata.colour: is not a parameter of this type: nobody reads it"]


def test_warnings_know_from_env_where_the_environment_is_a_source() -> None:
    assert told({"queueURLFromEnv": "U", "region": "r"}) == []
    assert len(told({**GOOD, "modeFromEnv": "M"})) == 1


def test_warnings_tell_of_a_parameter_about_to_go() -> None:
    assert told({**GOOD, "going": "x"}) == ["metadata.going: is about to be removed: write mode"]


def test_warnings_tell_of_a_secret_in_plain_sight() -> None:
    assert told({**GOOD, "password": "p"}) == [
        "metadata.password: is a secret in plain sight: give it by authenticationRef"
    ]


def test_a_note_names_each_variable_that_is_not_there() -> None:
    given = {"aFromEnv": "A", "bFromEnv": "B", "cFromEnv": "C", "d": "D"}
    assert [note.split(",")[0] for note in absent_variables(Given(given, {}, {"A": "1", "B": " "}))] == [
        "bFromEnv names B",
        "cFromEnv names C",
    ]
    assert list(absent_variables(Given(given, {}, None))) == []
