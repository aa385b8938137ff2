from typing import Any

from scaler.kube.store import Store
from scaler.kube.views import LeanMeta, Pod


def pod(name: str, version: str, namespace: str = "a", **labels: str) -> Pod:
    return Pod(LeanMeta(name=name, namespace=namespace, resource_version=version, labels=labels))


def watched(**indexes: Any) -> tuple[Store[Pod], list[tuple[str, str]]]:
    store: Store[Pod] = Store(indexes)
    told: list[tuple[str, str]] = []
    store.on_change(
        lambda old, new: told.append(
            (old.metadata.resource_version if old else "", new.metadata.resource_version if new else "")
        )
    )
    return store, told


def test_every_change_is_told_once_with_what_was_before() -> None:
    store, told = watched()
    store.put(pod("x", "1"))
    store.put(pod("x", "1"))
    store.put(pod("x", "2"))
    store.drop(("a", "x"))
    store.drop(("a", "x"))
    assert told == [("", "1"), ("1", "2"), ("2", "")]


def test_a_version_that_comes_late_does_not_replace_a_newer_one() -> None:
    store, told = watched()
    store.put(pod("x", "100"))
    store.put(pod("x", "99"))
    assert told == [("", "100")]
    store.replace(pod("x", "99"))  # a list is right even when it goes back, as after a restored backup
    store.put(pod("x", "strange"))
    assert told[1:] == [("100", "99"), ("99", "strange")]


def test_what_was_deleted_can_be_forgotten_by_hand() -> None:
    store, told = watched()
    store.put(pod("x", "1"))
    store.discard("a", "x")
    store.discard("a", "never there")
    assert told == [("", "1"), ("1", "")]


def test_a_list_drops_what_is_not_there_any_more_in_its_namespace_only() -> None:
    store, told = watched()
    for name, namespace in [("x", "a"), ("y", "a"), ("z", "b")]:
        store.put(pod(name, "1", namespace))
    store.drop_others("a", {("a", "y")})
    assert set(store.objects) == {("a", "y"), ("b", "z")}
    store.drop_others("", {("b", "z")})
    assert set(store.objects) == {("b", "z")}
    assert told[3:] == [("1", ""), ("1", "")]


def test_an_index_follows_the_objects() -> None:
    store, _ = watched(app=lambda kept: [kept.metadata.labels["app"]] if "app" in kept.metadata.labels else [])
    store.put(pod("x", "1", app="web"))
    store.put(pod("y", "1", app="web"))
    store.put(pod("z", "1"))
    assert {each.metadata.name for each in store.select("app", "web")} == {"x", "y"}
    store.put(pod("x", "2", app="db"))
    assert [each.metadata.resource_version for each in store.select("app", "db")] == ["2"]
    store.drop(("a", "y"))
    assert store.select("app", "web") == []
    assert store._indexes["app"].keys() == {"db"}
