from typing import Any

from scaler.actions import Tell
from scaler.api.meta import ObjectRef
from scaler.kube import correlation
from scaler.kube.correlation import COMBINED, Correlator

NOW = 1_700_000_000.0


def tell(message: str = "ready", reason: str = "ScaledObjectReady", name: str = "so", **more: Any) -> Tell:
    return Tell(
        ObjectRef("ScaledObject", "a", name, "keda.sh/v1alpha1", "u"), more.get("type", "Normal"), reason, message
    )


def test_a_first_event_is_created_under_a_name_of_its_own() -> None:
    correlator = Correlator()
    first, other = correlator.correlate(tell(), NOW), correlator.correlate(tell("else"), NOW)
    assert first is not None
    assert other is not None
    assert (first.count, first.first, first.last) == (1, NOW, NOW)
    assert first.name.startswith("so.")
    assert first.name != other.name


def test_the_same_event_is_counted_for_ten_minutes_after_the_last() -> None:
    correlator = Correlator()
    first = correlator.correlate(tell(), NOW)
    second = correlator.correlate(tell(), NOW + 590)
    third = correlator.correlate(tell(), NOW + 1180)
    later = correlator.correlate(tell(), NOW + 1781)
    assert first is not None
    assert second is not None
    assert third is not None
    assert later is not None
    assert (third.name, third.count, third.first, third.last) == (first.name, 3, NOW, NOW + 1180)
    assert (later.count, later.name == first.name) == (1, False)


def test_events_that_differ_in_anything_are_not_the_same() -> None:
    correlator = Correlator()
    events = [tell(), tell(name="other"), tell(reason="ScaledObjectPaused"), tell("not ready"), tell(type="Warning")]
    written = [correlator.correlate(event, NOW) for event in events]
    assert [event.count for event in written if event] == [1] * 5


def test_from_the_eleventh_message_on_similar_events_are_combined() -> None:
    correlator = Correlator()
    written = [correlator.correlate(tell(f"message {number}"), NOW + number) for number in range(13)]
    events = [event for event in written if event]
    assert [event.count for event in events] == [1] * 11 + [2, 3]
    assert [event.tell.message for event in events[9:12]] == [
        "message 9",
        COMBINED + "message 10",
        COMBINED + "message 11",
    ]
    assert len({event.name for event in events[10:]}) == 1
    known = correlator.correlate(tell("message 3"), NOW + 14)
    assert known is not None
    assert (known.tell.message, known.count) == ("message 3", 2)


def test_similar_events_are_told_apart_again_after_ten_quiet_minutes() -> None:
    correlator = Correlator()
    for number in range(12):
        correlator.correlate(tell(f"message {number}"), NOW)
    fresh = correlator.correlate(tell("message 12"), NOW + 601)
    assert fresh is not None
    assert fresh.tell.message == "message 12"


def test_a_flood_is_cut_off_object_by_object() -> None:
    correlator = Correlator()
    passed = [correlator.correlate(tell("again and again"), NOW) for _ in range(30)]
    assert sum(event is not None for event in passed) == 25
    assert correlator.correlate(tell(name="quiet"), NOW) is not None
    assert correlator.correlate(tell("again and again"), NOW + 299) is None
    after = correlator.correlate(tell("again and again"), NOW + 301)
    assert after is not None
    assert after.count == 32  # what was cut off counts
    assert correlator.correlate(tell("again and again"), NOW + 302) is None


def test_what_is_remembered_is_bounded(monkeypatch: Any) -> None:
    monkeypatch.setattr(correlation, "REMEMBERED", 10)
    correlator = Correlator()
    for number in range(50):
        correlator.correlate(tell(name=f"so{number}"), NOW)
    for memory in (correlator._written, correlator._groups, correlator._buckets):
        assert len(memory._kept) == 10
    forgotten, known = correlator.correlate(tell(name="so0"), NOW), correlator.correlate(tell(name="so49"), NOW)
    assert forgotten is not None
    assert known is not None
    assert (forgotten.count, known.count) == (1, 2)


def test_a_long_name_leaves_room_for_the_stamp() -> None:
    event = Correlator().correlate(tell(name="n" * 253), NOW)
    assert event is not None
    assert len(event.name) <= 253
