"""Admission webhooks: who is asked about what, what they may change, and what becomes of their silence."""

import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from aiohttp import web

from tests.conformance.client import Client, Reply, path
from tests.conformance.door import ROOT, Door, add, allow, patch, refuse, rule
from tests.conformance.objects import config_map, deployment, pod
from tests.conformance.test_workloads import settled
from tests.conformance.things import thing as thing_of

CONFIG_MAPS = [rule(["configmaps"], "CREATE", "UPDATE", "DELETE")]


class Doorkeeper:
    """A door and one namespace that it guards."""

    def __init__(self, door: Door, client: Client, namespace: str) -> None:
        self.door = door
        self.client = client
        self.namespace = namespace
        self.installed: list[str] = []

    def hook(self, where: str, answer: Any = allow, rules: Any = None, **rest: Any) -> Any:
        return self.door.webhook(self.namespace, where, answer, rules or CONFIG_MAPS, **rest)

    async def mutate(self, *webhooks: Any, name: str = "") -> None:
        await self._install("Mutating", webhooks, name)

    async def validate(self, *webhooks: Any, name: str = "") -> None:
        await self._install("Validating", webhooks, name)

    async def _install(self, kind: str, webhooks: Any, name: str) -> None:
        made = await self.door.install(self.client, self.namespace, kind, *webhooks, name=name)
        self.installed.append(made)

    async def create(self, name: str = "a", **rest: Any) -> Reply:
        query = {key: rest.pop(key) for key in ("dryRun",) if key in rest}
        return await self.client.create(path("configmaps", self.namespace), config_map(name, **rest), **query)


@pytest.fixture
def door() -> Iterator[Door]:
    with Door() as door:
        yield door


@pytest.fixture
async def keeper(door: Door, client: Client, namespace: str) -> AsyncIterator[Doorkeeper]:
    keeper = Doorkeeper(door, client, namespace)
    yield keeper
    for where in keeper.installed:
        (await client.delete(where)).ok()


# -- what is asked ---------------------------------------------------------------------------------------------


async def test_a_webhook_is_told_all_about_a_write(keeper: Doorkeeper, namespace: str) -> None:
    await keeper.mutate(keeper.hook("m"))
    (await keeper.create()).ok()
    asked = keeper.door.reviews("m")[-1]
    assert asked["kind"] == asked["requestKind"] == {"group": "", "version": "v1", "kind": "ConfigMap"}
    assert asked["resource"] == asked["requestResource"] == {"group": "", "version": "v1", "resource": "configmaps"}
    assert (asked["name"], asked["namespace"], asked["operation"]) == ("a", namespace, "CREATE")
    assert asked["userInfo"]["username"]
    assert "system:authenticated" in asked["userInfo"]["groups"]
    assert asked["object"]["data"] == {"a": "b"}
    assert asked["object"]["metadata"]["name"] == "a"
    assert "uid" not in asked["object"]["metadata"]
    assert asked["oldObject"] is None
    assert asked["dryRun"] is False
    assert asked["options"]["kind"] == "CreateOptions"
    assert asked["uid"]
    assert keeper.door.queries[-1] == "timeout=10s"


async def test_changes_and_deletions_come_with_what_was(keeper: Doorkeeper, client: Client, namespace: str) -> None:
    await keeper.mutate(keeper.hook("m"))
    await keeper.validate(keeper.hook("v"))
    (await keeper.create()).ok()
    where = path("configmaps", namespace, "a")
    (await client.patch(where, {"data": {"a": "c"}})).ok()
    (await client.delete(where)).ok()
    for place in ("m", "v"):
        _, update, delete = [one for one in keeper.door.reviews(place) if one.get("name") == "a"]
        assert (update["operation"], update["options"]["kind"]) == ("UPDATE", "UpdateOptions")
        assert (update["oldObject"]["data"], update["object"]["data"]) == ({"a": "b"}, {"a": "c"})
        assert (delete["operation"], delete["object"]) == ("DELETE", None)
        assert delete["oldObject"]["data"] == {"a": "c"}
        assert delete["options"]["kind"] == "DeleteOptions"


async def test_validation_sees_the_object_as_it_is_to_be_stored(keeper: Doorkeeper) -> None:
    await keeper.validate(keeper.hook("v"))
    made = (await keeper.create("", generateName="gen-")).ok()
    asked = keeper.door.reviews("v")[-1]
    assert asked["object"]["metadata"]["name"] == made["metadata"]["name"]
    assert asked["object"]["metadata"]["uid"] == made["metadata"]["uid"]
    assert asked.get("name", "") in {"", made["metadata"]["name"]}


async def test_dry_writes_are_told_as_such(keeper: Doorkeeper) -> None:
    await keeper.validate(keeper.hook("v"))
    (await keeper.create(dryRun="All")).ok()
    assert keeper.door.reviews("v")[-1]["dryRun"] is True


async def test_a_write_that_changes_nothing_is_asked_about_too(
    keeper: Doorkeeper, client: Client, namespace: str
) -> None:
    await keeper.validate(keeper.hook("v"))
    (await keeper.create()).ok()
    before = len(keeper.door.reviews("v"))
    (await client.patch(path("configmaps", namespace, "a"), {"data": {"a": "b"}})).ok()
    assert len(keeper.door.reviews("v")) == before + 1


async def test_pods_of_controllers_are_asked_about(keeper: Doorkeeper, client: Client, namespace: str) -> None:
    await keeper.mutate(keeper.hook("m", patch(add("/metadata/labels/seen", "yes")), [rule(["pods"], "CREATE")]))
    (await client.create(path("deployments", namespace), deployment("web", 2))).ok()
    await client.until(path("deployments", namespace, "web"), settled(2))
    pods = (await client.get(path("pods", namespace), labelSelector="seen=yes")).ok()["items"]
    assert len(pods) == 2
    asked = keeper.door.reviews("m")[0]
    assert asked["userInfo"]["username"].startswith("system:serviceaccount:kube-system:")
    assert asked["object"]["metadata"]["ownerReferences"][0]["kind"] == "ReplicaSet"
    assert asked["object"]["spec"]["serviceAccountName"] == "default"
    assert "nodeName" not in asked["object"]["spec"]


# -- who is asked ----------------------------------------------------------------------------------------------


async def test_rules_choose_resources_and_subresources(keeper: Doorkeeper, client: Client, namespace: str) -> None:
    places = {
        "pods": ["pods"],
        "resize": ["pods/resize"],
        "parts": ["pods/*"],
        "evictions": ["pods/eviction"],
        "all": ["*"],
        "everything": ["*/*"],
    }
    hooks = [keeper.hook(where, rules=[rule(resources, groups="")]) for where, resources in places.items()]
    await keeper.validate(*hooks)
    body = pod("p", containers=[{"name": "main", "image": "none", "resources": {"requests": {"cpu": "1"}}}])
    (await client.create(path("pods", namespace), body)).ok()
    await client.until(path("pods", namespace, "p"), lambda one: one["status"]["phase"] == "Running")
    change = {"spec": {"containers": [{"name": "main", "resources": {"requests": {"cpu": "2"}}}]}}
    (await client.patch(path("pods", namespace, "p", "resize"), change, "strategic")).ok()
    evict = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}}
    await client.create(path("pods", namespace, "p", "eviction"), evict)

    def came(where: str) -> set[tuple[str, str, str]]:
        return {
            (one["operation"], one["resource"]["resource"], one.get("subResource", ""))
            for one in keeper.door.reviews(where)
            if one.get("name") == "p"
        }

    resize, eviction = ("UPDATE", "pods", "resize"), ("CREATE", "pods", "eviction")
    assert came("pods") >= {("CREATE", "pods", "")}
    assert all(part == "" for _, _, part in came("pods") | came("all"))
    assert came("resize") == {resize}
    assert came("evictions") == {eviction}
    assert came("parts") >= {resize, eviction, ("UPDATE", "pods", "status")}
    assert came("everything") >= came("pods") | came("parts")
    asked = next(one for one in keeper.door.reviews("evictions"))
    assert asked["kind"] == {"group": "policy", "version": "v1", "kind": "Eviction"}
    assert asked["object"]["metadata"]["name"] == "p"


async def test_a_scale_is_asked_about_as_a_scale(keeper: Doorkeeper, client: Client, namespace: str) -> None:
    rules = [rule(["deployments/scale"], "UPDATE")]
    await keeper.mutate(keeper.hook("m", patch({"op": "replace", "path": "/spec/replicas", "value": 2}), rules))
    await keeper.validate(keeper.hook("v", rules=rules))
    (await client.create(path("deployments", namespace), deployment("web", 1, paused=True))).ok()
    where = path("deployments", namespace, "web")
    assert (await client.patch(f"{where}/scale", {"spec": {"replicas": 5}})).ok()["spec"] == {"replicas": 2}
    asked = keeper.door.reviews("m")[-1]
    assert asked["kind"] == {"group": "autoscaling", "version": "v1", "kind": "Scale"}
    assert (asked["oldObject"]["spec"]["replicas"], asked["object"]["spec"]["replicas"]) == (1, 5)
    assert keeper.door.reviews("v")[-1]["object"]["spec"]["replicas"] == 2
    assert (await client.get(where)).ok()["spec"]["replicas"] == 2


async def test_selectors_and_conditions_choose_objects(keeper: Doorkeeper, client: Client, namespace: str) -> None:
    named = [{"name": "named", "expression": "object.metadata.name.startsWith('b') && request.operation == 'CREATE'"}]
    broken = [{"name": "broken", "expression": "object.data.nothing == 'x'"}]
    await keeper.validate(
        keeper.hook("labelled", objectSelector={"matchLabels": {"watch": "me"}}),
        keeper.hook("elsewhere", namespaceSelector={"matchLabels": {"nobody": "here"}}),
        keeper.hook("named", matchConditions=named),
        keeper.hook("silent", matchConditions=broken, failurePolicy="Ignore"),
    )
    (await keeper.create("a")).ok()
    (await keeper.create("b", labels={"watch": "me"})).ok()
    (await client.patch(path("configmaps", namespace, "b"), {"metadata": {"labels": {"watch": None}}})).ok()

    def came(where: str) -> list[tuple[str, str]]:
        return [(one["operation"], one["name"]) for one in keeper.door.reviews(where)]

    assert came("labelled") == [("CREATE", "b"), ("UPDATE", "b")], "the old object's labels count as well"
    assert came("named") == [("CREATE", "b")]
    assert came("elsewhere") == came("silent") == []


async def test_a_condition_that_cannot_be_judged_refuses(keeper: Doorkeeper) -> None:
    broken = [{"name": "broken", "expression": "object.data.nothing == 'x'"}]
    await keeper.validate(keeper.hook("v", matchConditions=broken, rules=[rule(["configmaps"], "UPDATE")]))
    made = (await keeper.create()).ok()
    where = path("configmaps", keeper.namespace, "a")
    reply = await keeper.client.patch(where, {"metadata": {"labels": {"a": "b"}}})
    refused = reply.refused(403, "Forbidden")
    assert "no such key: nothing" in refused["message"]
    assert (await keeper.client.get(where)).ok()["metadata"]["uid"] == made["metadata"]["uid"]


async def test_a_rule_finds_its_resource_in_another_version(
    keeper: Doorkeeper, client: Client, group: str, namespace: str
) -> None:
    only = [rule(["things"], "CREATE", groups=group, versions="v1")]
    await keeper.mutate(
        keeper.hook("equivalent", patch({"op": "replace", "path": "/spec/max", "value": 7}), only),
        keeper.hook("exact", rules=only, matchPolicy="Exact"),
    )
    body = {**thing_of(group, "a", max=5), "apiVersion": f"{group}/v1beta1"}
    made = (await client.create(f"/apis/{group}/v1beta1/namespaces/{namespace}/things", body)).ok()
    assert made["apiVersion"] == f"{group}/v1beta1"
    assert made["spec"]["max"] == 7
    (asked,) = keeper.door.reviews("equivalent")
    assert asked["object"]["apiVersion"] == f"{group}/v1"
    assert (asked["kind"]["version"], asked["requestKind"]["version"]) == ("v1", "v1beta1")
    assert keeper.door.reviews("exact") == []


async def test_configurations_are_nobodys_to_guard(keeper: Doorkeeper, client: Client) -> None:
    rules = [rule(["*"], groups="admissionregistration.k8s.io")]
    await keeper.validate(keeper.hook("v", refuse(), rules, namespaceSelector={}))
    await keeper.validate(keeper.hook("w"))
    assert keeper.door.reviews("v") == []


# -- what they may do ------------------------------------------------------------------------------------------


async def test_mutation_goes_in_order_and_each_sees_what_came_before(keeper: Doorkeeper) -> None:
    one = keeper.hook("one", patch(add("/data/one", "1")))
    two = keeper.hook("two", patch(add("/data/two", "2")))
    zero = keeper.hook("zero", patch(add("/data/zero", "0")))
    await keeper.mutate(one, two, name=f"b-{keeper.namespace}")
    await keeper.mutate(zero, name=f"a-{keeper.namespace}")
    made = (await keeper.create(data={"a": "b"})).ok()
    assert made["data"] == {"a": "b", "zero": "0", "one": "1", "two": "2"}
    order = [where for where, asked in keeper.door.seen if asked.get("name") == "a"]
    assert order == ["zero", "one", "two"]
    assert keeper.door.reviews("two")[-1]["object"]["data"] == {"a": "b", "zero": "0", "one": "1"}


async def test_who_asks_for_it_is_asked_again_after_later_changes(keeper: Doorkeeper) -> None:
    again = keeper.hook("again", reinvocationPolicy="IfNeeded")
    once = keeper.hook("once")
    later = keeper.hook("later", patch(add("/data/later", "yes")))
    await keeper.mutate(again, once, later)
    (await keeper.create()).ok()
    order = [where for where, asked in keeper.door.seen if asked.get("name") == "a"]
    assert order == ["again", "once", "later", "again"]
    assert "later" in keeper.door.reviews("again")[-1]["object"]["data"]


async def test_nobody_is_asked_again_when_nothing_changed(keeper: Doorkeeper) -> None:
    await keeper.mutate(
        keeper.hook("again", patch(add("/data/x", "y")), reinvocationPolicy="IfNeeded"), keeper.hook("later")
    )
    (await keeper.create()).ok()
    assert [where for where, asked in keeper.door.seen if asked.get("name") == "a"] == ["again", "later"]


async def test_what_a_webhook_makes_is_validated_and_filled(
    keeper: Doorkeeper, client: Client, group: str, thing: str
) -> None:
    rules = [rule(["things"], "CREATE", groups=group)]
    wrong = keeper.hook(
        "wrong", patch(add("/spec/max", 1000)), rules, objectSelector={"matchLabels": {"make": "wrong"}}
    )
    items = keeper.hook("items", patch(add("/spec/items", [{"key": "x"}]), add("/spec/nonsense", 1)), rules)
    await keeper.mutate(wrong, items)
    made = (await client.create(thing, thing_of(group, "a"))).ok()
    assert made["spec"]["items"] == [{"key": "x", "weight": 7}]
    assert "nonsense" not in made["spec"]
    body = thing_of(group, "b")
    body["metadata"]["labels"] = {"make": "wrong"}
    reply = await client.create(thing, body)
    reply.refused(422, "Invalid")
    assert reply.fields() == [("spec.max", "FieldValueInvalid")]


REFUSALS: dict[str, tuple[Any, int, str, str]] = {
    "in words": (refuse("not on a Sunday"), 400, "", "denied the request: not on a Sunday"),
    "with a code": (
        refuse("too many", code=429, reason="TooManyRequests"),
        429,
        "TooManyRequests",
        "denied the request: too many",
    ),
    "with a reason": (refuse(reason="Because"), 400, "Because", "denied the request: Because"),
    "silently": (refuse(), 400, "", "denied the request without explanation"),
}


@pytest.mark.parametrize("case", REFUSALS)
@pytest.mark.parametrize("kind", ["Mutating", "Validating"])
async def test_a_webhook_refuses(keeper: Doorkeeper, kind: str, case: str) -> None:
    answer, code, reason, said = REFUSALS[case]
    await keeper._install(kind, [keeper.hook("v", answer)], "")
    refused = await keeper.create()
    assert (refused.status, refused.body.get("reason", "")) == (code, reason)
    assert refused.body["message"] == f'admission webhook "v.tests.example" {said}'
    assert (await keeper.client.get(path("configmaps", keeper.namespace, "a"))).status == 404


async def test_a_deletion_is_refused(keeper: Doorkeeper) -> None:
    await keeper.validate(keeper.hook("v", refuse("keep it"), [rule(["configmaps"], "DELETE")]))
    (await keeper.create()).ok()
    where = path("configmaps", keeper.namespace, "a")
    refused = await keeper.client.delete(where)
    assert refused.status == 400
    assert refused.body["message"] == 'admission webhook "v.tests.example" denied the request: keep it'
    assert (await keeper.client.get(where)).status == 200
    await keeper.client.delete(keeper.installed.pop())


async def test_warnings_reach_the_caller(keeper: Doorkeeper) -> None:
    await keeper.mutate(keeper.hook("m", lambda _: {"allowed": True, "warnings": ["mind the gap"]}))
    await keeper.validate(keeper.hook("v", lambda _: {"allowed": True, "warnings": ['say "please"']}))
    reply = await keeper.create()
    assert reply.status == 201
    assert sorted(reply.headers.getall("Warning")) == ['299 - "mind the gap"', '299 - "say \\"please\\""']


# -- when they cannot be asked ---------------------------------------------------------------------------------


def slow(_: Any) -> Any:
    time.sleep(3)
    return {"allowed": True}


FAILURES: dict[str, tuple[Any, str]] = {
    "an error": (lambda _: web.Response(status=500, text="no"), "the server"),
    "nonsense": (lambda _: web.Response(text="nonsense", content_type="application/json"), "json parse error"),
    "somebody else's answer": (lambda _: {"allowed": True, "uid": "other"}, "expected response.uid"),
    "no answer": (
        lambda _: web.json_response({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}),
        "response",
    ),
    "an answer of another version": (
        lambda asked: web.json_response(
            {"apiVersion": "v7", "kind": "AdmissionReview", "response": {"uid": asked["uid"]}}
        ),
        "",
    ),
    "a patch that is no list": (lambda _: {"allowed": True, "patchType": "JSONPatch", "patch": "e30="}, ""),
    "a patch of no type": (lambda _: {"allowed": True, "patch": "W10="}, "patchType"),
    "an answer too late": (slow, "deadline exceeded"),
}


@pytest.mark.parametrize("case", FAILURES)
async def test_a_failing_webhook_refuses_or_is_ignored_as_it_says(keeper: Doorkeeper, case: str) -> None:
    answer, said = FAILURES[case]
    by_label = {
        policy: {
            "failurePolicy": policy,
            "objectSelector": {"matchLabels": {"policy": policy.lower()}},
            "timeoutSeconds": 1,
        }
        for policy in ("Fail", "Ignore")
    }
    await keeper.mutate(*(keeper.hook(policy.lower(), answer, **rest) for policy, rest in by_label.items()))
    refused = (await keeper.create("strict", labels={"policy": "fail"})).refused(500, "InternalError")
    assert 'failed calling webhook "fail.tests.example"' in refused["message"]
    assert said in refused["message"]
    (await keeper.create("liberal", labels={"policy": "ignore"})).ok()


async def test_an_unreachable_webhook_refuses_or_is_ignored_as_it_says(keeper: Doorkeeper) -> None:
    nowhere = {"url": "https://127.0.0.1:9/x"}
    only = {"clientConfig": nowhere}
    await keeper.validate(
        keeper.hook("strict", objectSelector={"matchLabels": {"policy": "fail"}}, **only),
        keeper.hook("liberal", failurePolicy="Ignore", **only),
    )
    refused = (await keeper.create("a", labels={"policy": "fail"})).refused(500, "InternalError")
    assert 'failed calling webhook "strict.tests.example": failed to call webhook: Post' in refused["message"]
    (await keeper.create("b")).ok()


async def test_a_webhook_whose_authority_is_not_known_is_not_asked(keeper: Doorkeeper) -> None:
    config = {"url": f"https://127.0.0.1:{keeper.door.port}/v"}
    await keeper.validate(keeper.hook("v", clientConfig=config))
    (await keeper.create()).refused(500, "InternalError")
    assert keeper.door.reviews("v") == []


async def test_a_patch_that_does_not_fit_refuses_even_where_failures_are_ignored(keeper: Doorkeeper) -> None:
    wrong = patch({"op": "remove", "path": "/nothing/here"})
    await keeper.mutate(keeper.hook("m", wrong, failurePolicy="Ignore"))
    (await keeper.create()).refused(500, "InternalError")


# -- where they are --------------------------------------------------------------------------------------------


async def test_a_webhook_is_found_by_its_service(client: Client, namespace: str) -> None:
    with Door(f"door.{namespace}.svc") as door:
        service = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "door"},
            "spec": {"type": "ExternalName", "externalName": "localhost", "ports": [{"port": door.port}]},
        }
        (await client.create(path("services", namespace), service)).ok()
        keeper = Doorkeeper(door, client, namespace)
        place = {"name": "door", "namespace": namespace, "path": "/v", "port": door.port}
        config = {"service": place, "caBundle": door.authority}
        await keeper.validate(keeper.hook("v", refuse("seen"), clientConfig=config))
        refused = await keeper.create()
        assert refused.body["message"] == 'admission webhook "v.tests.example" denied the request: seen'
        (await client.delete(keeper.installed[0])).ok()


async def test_a_service_that_is_not_there_is_named(keeper: Doorkeeper) -> None:
    config = {"service": {"name": "nobody", "namespace": keeper.namespace, "path": "/v"}}
    await keeper.validate(keeper.hook("v", clientConfig=config))
    refused = (await keeper.create()).refused(500, "InternalError")
    assert 'service "nobody" not found' in refused["message"]


# -- configurations --------------------------------------------------------------------------------------------


async def test_configurations_are_filled(keeper: Doorkeeper, client: Client) -> None:
    config = {"service": {"name": "nobody", "namespace": keeper.namespace}}
    bare = keeper.hook("m", rules=[rule(["nothings"])], clientConfig=config)
    bare.pop("namespaceSelector")
    await keeper.mutate(bare)
    made = (await client.get(keeper.installed[0])).ok()
    webhook = made["webhooks"][1]
    assert (webhook["failurePolicy"], webhook["matchPolicy"]) == ("Fail", "Equivalent")
    assert (webhook["timeoutSeconds"], webhook["reinvocationPolicy"]) == (10, "Never")
    assert webhook["namespaceSelector"] == webhook["objectSelector"] == {}
    assert webhook["rules"][0]["scope"] == "*"
    assert webhook["clientConfig"]["service"]["port"] == 443
    assert made["metadata"]["generation"] == 1


GOOD: dict[str, Any] = {
    "name": "a.tests.example",
    "clientConfig": {"url": "https://127.0.0.1:1/x"},
    "rules": [],
    "sideEffects": "None",
    "admissionReviewVersions": ["v1"],
}
BAD: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "a name of two parts": ({"name": "a.b"}, [("webhooks[0].name", "FieldValueInvalid")]),
    "no name": ({"name": ""}, [("webhooks[0].name", "FieldValueRequired")]),
    "nowhere": ({"clientConfig": {}}, [("webhooks[0].clientConfig", "FieldValueRequired")]),
    "in two places": (
        {"clientConfig": {"url": "https://a/b", "service": {"name": "a", "namespace": "b"}}},
        [("webhooks[0].clientConfig", "FieldValueRequired")],
    ),
    "without TLS": ({"clientConfig": {"url": "http://a/b"}}, [("webhooks[0].clientConfig.url", "FieldValueInvalid")]),
    "side effects unsaid": ({"sideEffects": None}, [("webhooks[0].sideEffects", "FieldValueRequired")]),
    "side effects": ({"sideEffects": "Some"}, [("webhooks[0].sideEffects", "FieldValueNotSupported")]),
    "no review it can read": (
        {"admissionReviewVersions": ["v7"]},
        [("webhooks[0].admissionReviewVersions", "FieldValueInvalid")],
    ),
    "no versions": ({"admissionReviewVersions": []}, [("webhooks[0].admissionReviewVersions", "FieldValueRequired")]),
    "an unknown policy": ({"failurePolicy": "Maybe"}, [("webhooks[0].failurePolicy", "FieldValueNotSupported")]),
    "too much patience": ({"timeoutSeconds": 31}, [("webhooks[0].timeoutSeconds", "FieldValueInvalid")]),
    "no operation": (
        {"rules": [{**rule(["pods"]), "operations": ["LOOK"]}]},
        [("webhooks[0].rules[0].operations[0]", "FieldValueNotSupported")],
    ),
    "all and one": (
        {"rules": [rule(["pods"], "*", "CREATE")]},
        [("webhooks[0].rules[0].operations", "FieldValueInvalid")],
    ),
    "no resources": ({"rules": [rule([])]}, [("webhooks[0].rules[0].resources", "FieldValueRequired")]),
    "a condition that cannot be read": (
        {"matchConditions": [{"name": "x", "expression": "object.("}]},
        [("webhooks[0].matchConditions[0].expression", "FieldValueInvalid")],
    ),
    "a condition without a name": (
        {"matchConditions": [{"expression": "true"}]},
        [("webhooks[0].matchConditions[0].name", "FieldValueRequired")],
    ),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("kind", ["Mutating", "Validating"])
async def test_bad_configurations_are_refused(client: Client, namespace: str, kind: str, case: str) -> None:
    change, fields = BAD[case]
    body = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": f"{kind}WebhookConfiguration",
        "metadata": {"name": f"bad-{namespace}"},
        "webhooks": [{**GOOD, **change}],
    }
    reply = await client.create(f"{ROOT}/{kind.lower()}webhookconfigurations", body)
    reply.refused(422, "Invalid")
    assert reply.fields() == fields


async def test_two_webhooks_of_one_name_are_refused(client: Client, namespace: str) -> None:
    body = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": f"twice-{namespace}"},
        "webhooks": [GOOD, GOOD],
    }
    reply = await client.create(f"{ROOT}/mutatingwebhookconfigurations", body)
    reply.refused(422, "Invalid")
    assert reply.fields() == [("webhooks[1].name", "FieldValueDuplicate")]
