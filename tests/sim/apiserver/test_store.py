"""What is remembered of changes, and what is forgotten."""

import asyncio

import pytest

from scaler.sim.apiserver.refusals import Refusal
from scaler.sim.apiserver.store import Store, Table
from scaler.sim.apiserver.watches import Selection, Watch


def put(store: Store, table: Table, name: str, **labels: str) -> None:
    store.put(table, ("ns", name), {"metadata": {"name": name, "namespace": "ns", "labels": labels}})


def told(watch: Watch) -> list[tuple[str, str]]:
    return [(kind, stored.object["metadata"]["name"]) for kind, stored in watch.pending()]


def test_versions_are_counted_over_all_tables() -> None:
    store = Store()
    put(store, store.table("a"), "x")
    put(store, store.table("b"), "x")
    versions = [store.table(name).objects["ns", "x"].version for name in "ab"]
    assert versions == [2, 3]
    assert store.table("b").objects["ns", "x"].object["metadata"]["resourceVersion"] == "3"


def test_keys_are_in_order_whatever_comes_and_goes() -> None:
    store = Store()
    table = store.table("a")
    for name in "cab":
        put(store, table, name)
    assert [name for _, name in table.ordered()] == ["a", "b", "c"]
    store.remove(table, ("ns", "b"))
    put(store, table, "aa")
    assert [name for _, name in table.ordered()] == ["a", "aa", "c"]


def test_a_watch_goes_on_where_it_was() -> None:
    store = Store()
    table = store.table("a")
    put(store, table, "x")
    watch = Watch(table, Selection(), store.version)
    assert told(watch) == []
    put(store, table, "x")
    put(store, table, "y")
    store.remove(table, ("ns", "x"))
    assert told(watch) == [("MODIFIED", "x"), ("ADDED", "y"), ("DELETED", "x")]
    assert told(watch) == []
    assert not watch.behind()


def test_who_asks_for_what_is_forgotten_is_refused() -> None:
    store = Store(remembered=5)
    table = store.table("a")
    early = Watch(table, Selection(), store.version)
    for number in range(11):
        put(store, table, f"x{number}")
    assert len(table.log) == 5
    with pytest.raises(Refusal) as refused:
        list(early.pending())
    assert refused.value.code == 410
    recent = Watch(table, Selection(), table.floor)
    assert told(recent) == [("ADDED", f"x{number}") for number in range(6, 11)]


def test_a_stored_version_is_never_changed_by_a_later_one() -> None:
    store = Store()
    table = store.table("a")
    put(store, table, "x")
    first = table.objects["ns", "x"]
    before = first.json
    put(store, table, "x", a="b")
    store.remove(table, ("ns", "x"))
    assert first.json == before
    assert first.object["metadata"]["labels"] == {}


async def test_waiting_ends_with_the_next_change() -> None:
    store = Store()
    table = store.table("a")
    waiting = [asyncio.create_task(table.changed()) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in waiting)
    waiting[0].cancel()
    await asyncio.sleep(0)
    put(store, table, "x")
    await asyncio.gather(*waiting[1:])


async def test_a_dropped_table_wakes_its_watchers() -> None:
    store = Store()
    table = store.table("a")
    waiting = asyncio.create_task(table.changed())
    await asyncio.sleep(0)
    store.drop("a")
    await waiting
    assert table.dropped
    assert store.table("a") is not table
