"""A journal as it was once written goes on being read: what is in the file was written by the first version."""

from pathlib import Path

from scaler.history.journal import Header, Lost, decode, first
from scaler.history.replay import Replayed, ReplayedLook, replay

LINES = (Path(__file__).parent / "format-1.jsonl").read_bytes().splitlines()


def test_every_line_of_format_1_is_read_and_plays() -> None:
    records = [first(LINES[0]), *map(decode, LINES[1:])]
    header = records[0]
    assert isinstance(header, Header)
    assert (header.writer, header.policy.no_data) == ("pod-1", "upstream")
    assert [one.why for one in records if isinstance(one, Lost)] == ["No space left on device"]
    played = list(replay(records))
    checks = [one for one in played if isinstance(one, Replayed)]
    assert [one.check.rule for one in checks] == [
        "deactivate",
        "activate",
        "hold-for-fallback",
        "active",
        "active",
        "scale-in-paused",
    ]
    assert [one.subject.scaled.metadata.generation for one in checks] == [1, 1, 1, 2, 2, 2]
    looks = [one.answer for one in played if isinstance(one, ReplayedLook)]
    assert [(one.value, one.error) for one in looks if one is not None] == [(17.0, ""), (20.0, "")]
    assert len(played) == 8
