"""Declared parameters: where each value comes from, and every problem at its place."""

from collections.abc import Iterable
from typing import Annotated, Literal

import pytest

from scaler.errors import Invalid, Problem
from scaler.triggers.parameters import (
    Activation,
    Field,
    Given,
    Parameters,
    Secret,
    Target,
    every,
    question,
    read,
)


class Login(Parameters, frozen=True, kw_only=True):
    user: Annotated[str, Field(sources="ma")] = ""
    """Who asks."""
    password: Annotated[Secret, Field(sources="mae")] = ""
    """Its password."""

    def problems(self) -> Iterable[Problem]:
        if self.user and not self.password:
            yield self.complain("password", "is required beside user")


class Sample(Parameters, frozen=True, kw_only=True):
    queue_url: Annotated[str, Field("queueURL", "mea")]
    """Where it is."""
    region: Annotated[str, Field(sources="ma", aliases=("zone",))]
    """Which region."""
    queue_length: Target = 5
    """Items a replica can work on."""
    activation_queue_length: Activation = 0
    """Active above this."""
    mode: Literal["all", "some"] = "all"
    """Which of them."""
    old: Annotated[str, Field(removed="write mode")] = ""
    """What mode was."""
    going: Annotated[str, Field(announced="write mode")] = ""
    """What mode will be."""
    login: Login


GOOD = {"queueURL": "q", "region": "r"}


def paths(metadata: dict[str, str], auth: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(Invalid) as caught:
        Sample.parse(metadata, auth)
    return [problem.path for problem in caught.value.problems]


class TestSources:
    def test_are_tried_in_their_order(self) -> None:
        given = {"queueURL": "from metadata", "queueURLFromEnv": "URL", "region": "r"}
        env, auth = {"URL": "from env"}, {"queueURL": "from auth"}
        assert Sample.parse(given, auth, env).queue_url == "from metadata"
        assert Sample.parse({**given, "queueURL": " "}, auth, env).queue_url == "from env"
        assert Sample.parse({**given, "queueURL": ""}, auth, {}).queue_url == "from auth"

    def test_are_only_those_that_are_declared(self) -> None:
        assert paths({"queueURL": "q", "regionFromEnv": "R"}) == ["metadata.region"]
        assert paths({"region": "r"}, {"queueLength": "x"}) == ["metadata.queueURL"]

    def test_may_have_other_names(self) -> None:
        assert Sample.parse({"queueURL": "q", "zone": "z"}).region == "z"
        assert Sample.parse({"queueURL": "q", "zone": "z", "region": "r"}).region == "r"

    def test_are_trimmed(self) -> None:
        assert Sample.parse({"queueURL": " q\n", "region": "r", "queueLength": " 7 "}).queue_length == 7

    def test_serve_the_blocks_too(self) -> None:
        assert Sample.parse(GOOD, {"user": "u", "password": "p"}).login == Login(user="u", password="p")


class TestProblems:
    def test_are_all_told_at_once(self) -> None:
        wrong = {"queueLength": "many", "activationQueueLength": "few", "mode": "none", "old": "x"}
        assert paths(wrong) == [
            "metadata.queueURL",
            "metadata.region",
            "metadata.queueLength",
            "metadata.activationQueueLength",
            "metadata.mode",
            "metadata.old",
        ]

    def test_say_the_ways_to_give_what_is_missing(self) -> None:
        with pytest.raises(Invalid, match="give it here or by queueURLFromEnv or as parameter queueURL of the auth"):
            Sample.parse({"region": "r"})

    def test_of_a_removed_parameter_say_what_to_write_instead(self) -> None:
        with pytest.raises(Invalid, match=r"metadata\.old: is not read any more: write mode"):
            Sample.parse({**GOOD, "old": "x"})

    def test_of_values_together_come_where_each_can_be_read(self) -> None:
        assert paths({**GOOD, "user": "u"}) == ["metadata.password"]

    def test_stand_where_the_value_was_given(self) -> None:
        class Timed(Parameters, frozen=True, kw_only=True):
            seconds: Annotated[int, Field(sources="mae")] = 0
            """How long."""

        for metadata, auth, path in (
            ({"seconds": "x"}, {}, "metadata.seconds"),
            ({"secondsFromEnv": "S"}, {}, "metadata.secondsFromEnv"),
            ({}, {"seconds": "x"}, "authentication.seconds"),
        ):
            with pytest.raises(Invalid) as caught:
                Timed.parse(metadata, auth, {"S": "x"})
            assert caught.value.problems[0].path == path

    def test_never_carry_a_secret(self) -> None:
        class Keyed(Parameters, frozen=True, kw_only=True):
            pin: Annotated[int, *Secret.__metadata__] = 0  # type: ignore[attr-defined]  # an alias of Annotated has it
            """A secret number."""

        with pytest.raises(Invalid) as caught:
            Keyed.parse({"pin": "hush"})
        assert caught.value.problems[0].value is None


class TestWhatIsNotKnownHere:
    def test_counts_as_given_where_it_may_come_from_there(self) -> None:
        parameters, problems = read(Sample, Given({"user": "u", "queueURLFromEnv": "URL"}, None, None))
        assert parameters is not None
        assert problems == []

    def test_does_not_excuse_what_can_only_stand_here(self) -> None:
        _, problems = read(Sample, Given({"queueLength": "many"}, None, None))
        assert [problem.path for problem in problems] == ["metadata.queueLength"]

    def test_is_no_excuse_for_a_variable_that_nobody_names(self) -> None:
        _, problems = read(Sample, Given({"region": "r"}, {}, None))
        assert [problem.path for problem in problems] == ["metadata.queueURL"]


def test_the_question_is_all_but_target_and_activation() -> None:
    one = Sample.parse({**GOOD, "queueLength": "1", "activationQueueLength": "2"})
    same = Sample.parse(GOOD)
    other = Sample.parse(GOOD, {"user": "u", "password": "p"})
    assert question(one) == question(same)
    assert question(one) != question(other)
    assert hash(question(one)) == hash(question(same))


def test_the_docstrings_under_the_fields_are_the_meanings() -> None:
    assert [parameter.doc for parameter in every(Login)] == ["Who asks.", "Its password."]
