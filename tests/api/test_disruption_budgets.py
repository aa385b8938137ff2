"""Disruption budgets as their user writes them."""

import pytest

from scaler.api.disruption_budgets import REASONS, Budget, budgets_of
from scaler.errors import Invalid
from scaler.schedule import parse_schedule


def test_karpenters_words_are_read() -> None:
    text = '[{"pods": "10%"}, {"pods": "0", "schedule": "0 9 * * mon-fri", "duration": "8h30m", "reasons": ["Oversized"]}]'
    plain, window = budgets_of(text)
    assert plain == Budget(10, percent=True)
    assert plain.reasons == REASONS
    assert window == Budget(0, False, parse_schedule("0 9 * * mon-fri"), 8.5 * 3600, ("Oversized",))


def test_a_macro_is_a_schedule_as_it_is_for_karpenter() -> None:
    [found] = budgets_of('[{"pods": 2, "schedule": "@daily", "duration": "10m"}]')
    assert (found.number, found.schedule) == (2, parse_schedule("0 0 * * *"))


def test_nothing_written_bounds_nothing() -> None:
    assert budgets_of("") == budgets_of("[]") == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "budgets: is no JSON list of budgets"),
        ('{"pods": "1"}', "budgets: must be a JSON list of budgets"),
        ("[1]", "budgets[0]: must be an object with pods, schedule, duration, reasons (it is 1)"),
        ("[{}]", 'budgets[0].pods: must be a number of pods or a part of them, such as "2" or "10%"'),
        ('[{"pods": "101%"}]', "budgets[0].pods: must be a number of pods or a part of them"),
        ('[{"pods": "1", "nodes": "1"}]', "budgets[0].nodes: is not known: known are pods, schedule"),
        (
            '[{"pods": "1", "schedule": "@daily"}]',
            "budgets[0].duration: is needed: schedule and duration go together",
        ),
        ('[{"pods": "1", "duration": "8h"}]', "budgets[0].schedule: is needed: schedule and duration go together"),
        ('[{"pods": "1", "schedule": "0 25 * * *", "duration": "1h"}]', "budgets[0].schedule: hour"),
        (
            '[{"pods": "1", "schedule": "@daily", "duration": "1d"}]',
            "budgets[0].duration: must be hours and minutes, such as 8h or 1h30m (it is '1d')",
        ),
        (
            '[{"pods": "1", "reasons": ["Empty"]}]',
            "budgets[0].reasons[0]: must be one of Undersized, Oversized, Drifted, OutOfMemory (it is 'Empty')",
        ),
    ],
)
def test_what_is_wrong_is_said_at_its_place(text: str, says: str) -> None:
    with pytest.raises(Invalid) as refused:
        budgets_of(text, "budgets")
    assert str(refused.value).startswith(says)
