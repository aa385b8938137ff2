import msgspec

from scaler.horizontal.readings import MetricAnswer
from scaler.loops.board import Board, BoardEntry


def entry(name="web", value=3.0, **changes):
    metrics = {"s0-queue": MetricAnswer("s0-queue", at=100.0, value=value)}
    return msgspec.structs.replace(BoardEntry("shop", name, metrics, evaluated_at=100.0), **changes)


def test_the_last_entry_of_an_object_is_the_one_that_counts():
    board = Board()
    board.publish(entry(value=1.0))
    board.publish(entry(value=2.0))
    assert len(board) == 1
    assert board.get(("shop", "web")).metrics["s0-queue"].value == 2.0
    assert board.get(("shop", "other")) is None


def test_a_listener_hears_changes_in_order_until_it_leaves():
    board, heard = Board(), []
    leave = board.subscribe(heard.append)
    board.publish(entry())
    board.remove(("shop", "web"))
    leave()
    board.publish(entry("late"))
    assert [(e.name, e.gone) for e in heard] == [("web", False), ("web", True)]


def test_removing_what_is_not_there_tells_nobody():
    board, heard = Board(), []
    board.subscribe(heard.append)
    board.remove(("shop", "web"))
    assert heard == []


def test_publishing_a_gone_entry_removes_the_object():
    board = Board()
    board.publish(entry())
    board.publish(entry(gone=True))
    assert board.snapshot() == []


def test_a_snapshot_does_not_change_with_the_board():
    board = Board()
    board.publish(entry())
    before = board.snapshot()
    board.publish(entry("second"))
    assert [e.name for e in before] == ["web"]
    assert {e.name for e in board} == {"web", "second"}


def test_a_listener_may_leave_while_it_is_told():
    board, heard = Board(), []
    leave = []
    leave.append(board.subscribe(lambda e: (heard.append(e.name), leave[0]())))
    board.subscribe(lambda e: heard.append(e.name + "!"))
    board.publish(entry())
    board.publish(entry())
    assert heard == ["web", "web!", "web!"]


def test_an_entry_survives_the_wire_with_all_its_parts():
    sent = entry(cached=frozenset({"s0-queue"}), polling=5.0)
    packed = msgspec.msgpack.encode(sent)
    assert msgspec.msgpack.decode(packed, type=BoardEntry) == sent
    assert len(packed) < 120  # ten thousand of them are one megabyte
