"""Watches: where they begin, what they tell, and when they say that it is too late."""

from tests.conformance.client import Client, Stream, path
from tests.conformance.objects import config_map


async def version_of(client: Client, where: str) -> str:
    return (await client.get(where)).ok()["metadata"]["resourceVersion"]


async def test_a_watch_tells_what_happened_since_a_version(client: Client, namespace: str) -> None:
    where = path("configmaps", namespace)
    version = await version_of(client, where)
    (await client.create(where, config_map("a"))).ok()
    changed = (await client.patch(f"{where}/a", {"data": {"x": "y"}})).ok()
    async with client.watch(where, resourceVersion=version) as stream:
        kind, obj = await stream.until(lambda _, obj: obj["metadata"]["name"] == "a")
        assert kind == "ADDED"
        assert obj["data"] == {"a": "b"}
        assert obj["kind"] == "ConfigMap"
        kind, obj = await stream.next()
        assert (kind, obj) == ("MODIFIED", changed)
        (await client.delete(f"{where}/a")).ok()
        kind, obj = await stream.next()
        assert kind == "DELETED"
        assert obj["data"] == changed["data"]
        assert int(obj["metadata"]["resourceVersion"]) > int(changed["metadata"]["resourceVersion"])


async def test_a_watch_from_nowhere_begins_with_what_is_there(client: Client, namespace: str) -> None:
    where = path("configmaps", namespace)
    for name in ("b", "a"):
        (await client.create(where, config_map(name, labels={"w": "1"}))).ok()
    for version in ({}, {"resourceVersion": "0"}):
        async with client.watch(where, labelSelector="w=1", **version) as stream:
            assert sorted(await stream.types(2)) == [("ADDED", "a"), ("ADDED", "b")]
            await stream.silence()


async def test_a_watch_keeps_to_its_namespace(client: Client, namespace: str) -> None:
    where = path("configmaps", namespace)
    version = await version_of(client, where)
    async with client.watch(where, resourceVersion=version, labelSelector="w") as stream:
        (
            await client.create(path("configmaps", "default"), config_map("", generateName="w-", labels={"w": "2"}))
        ).ok()
        (await client.create(where, config_map("mine", labels={"w": "2"}))).ok()
        assert await stream.types(1) == [("ADDED", "mine")]


async def test_an_object_that_leaves_the_selection_is_told_as_deleted(client: Client, namespace: str) -> None:
    where = path("configmaps", namespace)
    (await client.create(where, config_map("a", labels={"on": "yes"}))).ok()
    version = await version_of(client, where)
    async with client.watch(where, resourceVersion=version, labelSelector="on=yes") as stream:
        left = (await client.patch(f"{where}/a", {"metadata": {"labels": {"on": "no"}}})).ok()
        kind, obj = await stream.next()
        assert kind == "DELETED"
        assert obj["metadata"]["labels"] == {"on": "yes"}
        assert obj["metadata"]["resourceVersion"] == left["metadata"]["resourceVersion"]
        (await client.patch(f"{where}/a", {"data": {"unseen": "1"}})).ok()
        (await client.patch(f"{where}/a", {"metadata": {"labels": {"on": "yes"}}})).ok()
        kind, obj = await stream.next()
        assert kind == "ADDED"
        assert obj["data"] == {"a": "b", "unseen": "1"}


async def test_one_object_is_watched_by_its_name(client: Client, namespace: str) -> None:
    where = path("configmaps", namespace)
    version = await version_of(client, where)
    async with client.watch(where, resourceVersion=version, fieldSelector="metadata.name=b") as stream:
        for name in ("a", "b", "c"):
            (await client.create(where, config_map(name))).ok()
        assert await stream.types(1) == [("ADDED", "b")]
        await stream.silence()


async def test_a_watch_ends_at_its_time_with_a_bookmark_shortly_before(client: Client, namespace: str) -> None:
    where = path("configmaps", namespace)
    version = await version_of(client, where)
    async with client.watch(
        where, resourceVersion=version, allowWatchBookmarks="true", timeoutSeconds="4", labelSelector="none=such"
    ) as stream:
        kind, obj = await stream.next()
        assert kind == "BOOKMARK"
        assert obj["kind"] == "ConfigMap"
        assert int(obj["metadata"]["resourceVersion"]) >= int(version)
        await ended(stream)


async def ended(stream: Stream) -> None:
    """Nothing but bookmarks until the end."""
    while line := await stream.response.content.readline():
        assert b'"BOOKMARK"' in line


async def test_a_watch_without_leave_for_bookmarks_gets_none(client: Client, namespace: str) -> None:
    where = path("configmaps", namespace)
    version = await version_of(client, where)
    async with client.watch(where, resourceVersion=version, timeoutSeconds="4", labelSelector="none=such") as stream:
        await stream.ended()


async def test_a_streaming_list_marks_where_it_ends(client: Client, namespace: str) -> None:
    where = path("configmaps", namespace)
    (await client.create(where, config_map("a", labels={"w": "1"}))).ok()
    query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
    async with client.watch(where, labelSelector="w=1", **query) as stream:
        assert await stream.types(1) == [("ADDED", "a")]
        kind, obj = await stream.next()
        assert kind == "BOOKMARK"
        assert obj["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
        (await client.create(where, config_map("b", labels={"w": "1"}))).ok()
        assert await stream.types(1) == [("ADDED", "b")]


async def test_a_streaming_list_needs_a_match(client: Client, namespace: str) -> None:
    reply = await client.get(path("configmaps", namespace), watch="true", sendInitialEvents="true")
    reply.refused(422, "Invalid")
    assert reply.fields() == [("resourceVersionMatch", "FieldValueForbidden")]


async def test_a_forgotten_version_is_expired(client: Client, own_thing: str) -> None:
    """A new kind's history begins when the kind does."""
    async with client.watch(own_thing, resourceVersion="1") as stream:
        kind, status = await stream.next()
    assert kind == "ERROR"
    assert status["code"] == 410
    assert status["reason"] == "Expired"
    assert status["message"].startswith("too old resource version: 1 (")


async def test_a_watch_can_show_metadata_alone(client: Client, namespace: str) -> None:
    where = path("configmaps", namespace)
    (await client.create(where, config_map("a", labels={"w": "1"}))).ok()
    accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
    async with client.watch(where, accept, labelSelector="w=1") as stream:
        kind, obj = await stream.next()
    assert kind == "ADDED"
    assert obj["kind"] == "PartialObjectMetadata"
    assert "data" not in obj
