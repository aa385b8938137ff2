"""A plan asks for what is missing, restores what was, and leaves alone what is somebody else's."""

from collections.abc import Collection
from typing import Any

import msgspec
import pytest

from scaler.takeover import upstream
from scaler.takeover.fields import key
from scaler.takeover.plan import VERTICAL, Plan, Seen, plan, refusals, rights
from scaler.takeover.record import Backend, Record, config_map, record_of

NAMESPACES = ("default", "keda", "kube-scaler", "kube-system", "mail", "shop")
OURS = frozenset({"scaler-operator", "scaler-metrics"})


def deployment(name: str, image: str, namespace: str = "keda", *args: str, **env: str) -> dict[str, Any]:
    container: dict[str, Any] = {"name": name, "image": image}
    if args:
        container["args"] = list(args)
    if env:
        container["env"] = [{"name": variable, "value": value} for variable, value in env.items()]
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"replicas": 1, "template": {"spec": {"containers": [container]}}},
    }


def keda(watch: str = "", *args: str, image: str = "ghcr.io/kedacore/keda:2.20.2") -> dict[str, Any]:
    return deployment("keda-operator", image, "keda", *args, WATCH_NAMESPACE=watch)


def vpa(part: str, *args: str) -> dict[str, Any]:
    return deployment(f"vpa-{part}", f"registry.k8s.io/autoscaling/vpa-{part}:1.8.0", "kube-system", *args)


def service(namespace: str = "keda", name: str = "keda-operator-metrics-apiserver") -> dict[str, Any]:
    return {"spec": {"service": {"namespace": namespace, "name": name, "port": 443}, "caBundle": "S0VEQQ=="}}


def seen(*deployments: dict[str, Any], ours: frozenset[str] = OURS, **more: Any) -> Seen:
    given = {"api_service": service(), "authority": "T1VSUw==", "port": 443, **more}
    return Seen(
        home="kube-scaler", namespaces=NAMESPACES, programs=tuple(upstream.programs(deployments)), ours=ours, **given
    )


def done(before: Seen, planned: Plan) -> Seen:
    """The cluster once the plan was carried out."""
    bodies = {one.place: one.body for one in before.programs}
    api_service, webhook = before.api_service, before.webhook
    for change in planned.changes:
        if change.field == upstream.service_field():
            assert api_service is not None
            api_service = change.field.put(api_service, change.to)
        elif change.field.place in bodies:
            bodies[change.field.place] = change.field.put(bodies[change.field.place], change.to)
        else:
            assert webhook is not None
            webhook = change.field.put(webhook, change.to)
    record = msgspec.structs.replace(planned.record, served=planned.wanted) if planned.wanted else None
    return msgspec.structs.replace(
        before,
        programs=tuple(upstream.programs(bodies.values())),
        api_service=api_service,
        webhook=webhook,
        record=record,
    )


def said(planned: Plan) -> dict[str, str]:
    return {change.field.title.partition(" of ")[0]: change.field.shown(change.to) for change in planned.changes}


def taken(start: Seen, *steps: Collection[str]) -> list[Seen]:
    states = [start]
    for wanted in steps:
        states.append(done(states[-1], plan(states[-1], wanted)))
    return states


def test_keda_serves_all_namespaces_but_ours_and_the_api_server_turns_to_us_last() -> None:
    planned = plan(seen(keda()), {"shop"})
    assert said(planned) == {
        "env WATCH_NAMESPACE": "default,keda,kube-scaler,kube-system,mail",
        "--enable-apiservice-patching": "--enable-apiservice-patching=false",
        "service": "kube-scaler/scaler-metrics:443, trusted by its authority",
    }
    assert [place.kind for place in planned.places] == ["Deployment", "APIService"]
    assert planned.record.backend == Backend("keda", "keda-operator-metrics-apiserver", 443, "S0VEQQ==")
    assert planned.record.half_done
    assert planned.record.served == ()


def test_rolling_back_restores_everything_and_turns_the_api_server_back_first() -> None:
    start = seen(keda())
    between, end = taken(start, {"shop"}, set())[1:]
    assert end == msgspec.structs.replace(start, record=None)
    assert [place.kind for place in plan(between, set()).places] == ["APIService", "Deployment"]


def test_two_namespaces_are_taken_and_given_back_one_by_one() -> None:
    start = seen(keda())
    states = taken(start, {"shop"}, {"shop", "mail"}, {"mail"}, set())
    watched = [upstream.watch_field(state.kedas[0]).shown(upstream.watch_field(state.kedas[0]).read(state.kedas[0].body)) for state in states]  # fmt: skip
    assert watched == [
        "empty",
        "default,keda,kube-scaler,kube-system,mail",
        "default,keda,kube-scaler,kube-system",
        "default,keda,kube-scaler,kube-system,shop",
        "empty",
    ]
    assert all(state.record is None or state.record.backend == states[1].record.backend for state in states[1:])
    assert states[-1] == msgspec.structs.replace(start, record=None)


def test_a_takeover_that_was_broken_off_is_resumed_by_what_is_left_of_its_plan() -> None:
    start = seen(keda())
    whole = plan(start, {"shop"})
    half = done(start, msgspec.structs.replace(whole, changes=whole.changes[:2]))
    half = msgspec.structs.replace(half, record=whole.record)
    rest = plan(half, {"shop"})
    assert [change.field.title for change in rest.changes] == ["service"]
    assert rest.record == whole.record
    undone = plan(half, set())
    assert {change.field.title: change.to for change in undone.changes} == {
        change.field.title: change.now for change in whole.changes[:2]
    }
    assert done(half, undone) == msgspec.structs.replace(start, record=None)


def test_what_somebody_else_changed_since_is_left_alone_when_it_is_given_back_and_named() -> None:
    _, state = taken(seen(keda()), {"shop"})
    field = upstream.watch_field(state.kedas[0])
    changed = field.put(state.kedas[0].body, {"name": "WATCH_NAMESPACE", "value": "only-this"})
    state = msgspec.structs.replace(state, programs=tuple(upstream.programs([changed])))
    planned = plan(state, set())
    assert [change.field for change in planned.left] == [field]
    assert [change.field.title.partition(" of ")[0] for change in planned.changes] == [
        "service",
        "--enable-apiservice-patching",
    ]


def test_what_somebody_else_changed_since_becomes_the_original_when_more_is_taken() -> None:
    _, state = taken(seen(keda()), {"shop"})
    field = upstream.watch_field(state.kedas[0])
    changed = field.put(state.kedas[0].body, {"name": "WATCH_NAMESPACE", "value": "mail,shop,default"})
    state = msgspec.structs.replace(state, programs=tuple(upstream.programs([changed])))
    again = plan(state, {"shop"})
    assert said(again) == {"env WATCH_NAMESPACE": "default,mail"}
    assert again.record.originals[key(field)]["value"] == "mail,shop,default"


def test_a_keda_that_serves_some_namespaces_goes_on_with_the_others() -> None:
    assert said(plan(seen(keda("shop,mail")), {"shop"}))["env WATCH_NAMESPACE"] == "mail"
    assert "env WATCH_NAMESPACE" not in said(plan(seen(keda("mail")), {"shop"}))


def test_a_keda_with_nothing_left_to_do_is_scaled_to_zero_and_back() -> None:
    start = seen(keda("shop"))
    planned = plan(start, {"shop"})
    assert said(planned)["replicas"] == "0"
    assert "env WATCH_NAMESPACE" not in said(planned)
    assert taken(start, {"shop"}, set())[-1] == msgspec.structs.replace(start, record=None)


def test_vpa_is_told_to_ignore_the_namespace_where_we_can_do_its_work() -> None:
    parts = [
        vpa("recommender", "--v=4"),
        vpa("updater", "--ignored-vpa-object-namespaces=old"),
        vpa("admission-controller"),
    ]
    start = seen(keda(), *parts, beside=VERTICAL)
    planned = plan(start, {"shop"})
    told = [change.to for change in planned.changes if change.field.title.startswith("--ignored")]
    assert told == [
        ["--ignored-vpa-object-namespaces=shop"],
        ["--ignored-vpa-object-namespaces=old,shop"],
        ["--ignored-vpa-object-namespaces=shop"],
    ]
    assert taken(start, {"shop"}, set())[-1] == msgspec.structs.replace(start, record=None)
    assert not plan(seen(keda(), *parts), {"shop"}).record.originals.keys() & {"--ignored"}
    assert all("vpa" not in str(place) for place in plan(seen(keda(), *parts), {"shop"}).places)


def test_a_vpa_confined_to_the_namespace_is_scaled_to_zero_and_one_confined_elsewhere_left_alone() -> None:
    here = seen(vpa("updater", "--vpa-object-namespace=shop"), beside=VERTICAL)
    assert said(plan(here, {"shop"})) == {"replicas": "0"}
    there = seen(vpa("updater", "--vpa-object-namespace", "mail"), beside=VERTICAL)
    assert said(plan(there, {"shop"})) == {}


def test_the_webhook_of_vpa_is_changed_only_where_it_does_not_write_its_configuration_itself() -> None:
    webhook = {
        "metadata": {"name": "vpa-webhook-config"},
        "webhooks": [{"name": "vpa.k8s.io", "namespaceSelector": {"matchLabels": {"a": "b"}}}],
    }
    itself = seen(vpa("admission-controller"), beside=VERTICAL, webhook=webhook)
    assert "namespaceSelector" not in said(plan(itself, {"shop"}))
    by_helm = seen(vpa("admission-controller", "--register-webhook=false"), beside=VERTICAL, webhook=webhook)
    planned = plan(by_helm, {"shop"})
    (change,) = [change for change in planned.changes if change.field.title == "namespaceSelector"]
    assert change.to == {
        "vpa.k8s.io": {
            "matchLabels": {"a": "b"},
            "matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["shop"]}],
        }
    }
    assert taken(by_helm, {"shop"}, set())[-1] == msgspec.structs.replace(by_helm, record=None)


@pytest.mark.parametrize(
    ("state", "namespace", "words"),
    [
        (seen(keda()), "nowhere", "there is no such namespace"),
        (seen(keda()), "kube-scaler", "is our own namespace"),
        (seen(), "shop", "there is no KEDA to take anything over from"),
        (seen(vpa("updater")), "shop", "no recommender, updater and webhook of ours that could"),
        (seen(keda(), ours=frozenset()), "shop", "install Scaler with deploy/components/beside-upstream first"),
        (seen(keda(), api_service=None), "shop", "KEDA's metrics server is not installed"),
        (seen(keda(), api_service=service("kube-scaler", "scaler-metrics")), "shop", "leads to us already"),
        (seen(keda(image="keda:2.12.1")), "shop", "KEDA takes a list of namespaces from 2.14 on"),
        (
            seen(deployment("keda-operator", "mirror/renamed", "keda") | {}),
            "shop",
            "",
        ),
    ],
)
def test_what_stands_against_a_takeover_is_said_with_its_remedy(state: Seen, namespace: str, words: str) -> None:
    found = refusals(state, namespace)
    assert bool(found) == bool(words)
    assert any(words in problem.message for problem in found) == bool(words)


def test_namespaces_that_come_from_elsewhere_are_refused() -> None:
    body = keda()
    body["spec"]["template"]["spec"]["containers"][0]["env"] = [
        {"name": "WATCH_NAMESPACE", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}
    ]
    assert any("comes from elsewhere" in problem.message for problem in refusals(seen(body), "shop"))


def test_the_rights_are_those_of_the_objects_that_change() -> None:
    needed = {str(right) for right in rights(seen(keda()), plan(seen(keda()), {"shop"}))}
    assert "update deployments.apps/keda-operator in namespace keda" in needed
    assert "update apiservices.apiregistration.k8s.io/v1beta1.external.metrics.k8s.io" in needed
    assert "delete configmaps/scaler-takeover in namespace kube-scaler" in needed


def test_a_record_survives_its_config_map() -> None:
    planned = plan(seen(keda()), {"shop"})
    assert record_of(config_map(planned.record, "kube-scaler")["data"]) == planned.record


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "has no key record"),
        ({"record": "{"}, "cannot be read"),
        ({"record": '{"format": 2}'}, "is in format 2, this program reads 1"),
    ],
)
def test_a_record_that_is_none_is_refused(data: dict[str, str], words: str) -> None:
    from scaler.errors import Invalid

    with pytest.raises(Invalid, match=words):
        record_of(data)


def test_an_empty_record_is_not_half_done() -> None:
    assert not Record().half_done
