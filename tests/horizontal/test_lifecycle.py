"""The life of a ScaledObject: which actions bring it where it should be, in which order, and when none are needed."""

import copy

import msgspec
import pytest

from scaler.actions import ApplyHpa, DeleteHpa, PatchMetadata, SetReplicas, Tell, WriteStatus
from scaler.horizontal.hpa import wanted_hpa
from scaler.horizontal.lifecycle import not_reconciled, reconcile
from scaler.horizontal.plans import Observed, Resolved, Unresolved
from scaler.horizontal.readings import Policy, Scale, Subject
from tests.horizontal.objects import DEPLOYMENT, cpu, scaled_object, trigger

SETTLED = {"finalizers": ["finalizer.keda.sh"]}
LABEL = {"scaledobject.keda.sh/name": "web"}
TWO = [{"type": "aws-sqs-queue", "metadata": {}}, {"type": "redis", "metadata": {}}]


def settled(**more):
    """An object that has its finalizer and label."""
    more["metadata"] = {**SETTLED, **more.get("metadata", {})}
    more["labels"] = {**LABEL, **more.get("labels", {})}
    return scaled_object(**more)


def seen(scaled, *plans, replicas=4, **more):
    more.setdefault("target", Resolved(DEPLOYMENT, Scale(replicas)))
    return Observed(scaled, triggers=plans or (trigger(),), **more)


def hpa_of(scaled, *plans):
    """The HPA of this object as it would stand."""
    body = copy.deepcopy(wanted_hpa(Subject(scaled, plans or (trigger(),), DEPLOYMENT), Policy()))
    body["metadata"] |= {"uid": f"hpa-of-{scaled.metadata.name}", "resourceVersion": "3"}
    return body


def foreign_hpa(name="mine", aims_at="web", **metadata):
    ref = {"apiVersion": "apps/v1", "kind": "Deployment", "name": aims_at}
    return {"metadata": {"name": name, "namespace": "shop", "uid": "x", **metadata}, "spec": {"scaleTargetRef": ref}}


def kinds(plan):
    return [type(action).__name__ for action in plan.actions]


def told(plan):
    return [action.reason for action in plan.actions if isinstance(action, Tell)]


def only(plan, kind):
    found = [action for action in plan.actions if isinstance(action, kind)]
    assert len(found) == 1
    return found[0]


def condition(plan, kind):
    found = next(one for one in plan.status.conditions if one.type == kind)
    return found.status, found.reason


def message(plan, kind="Ready"):
    return next(one.message for one in plan.status.conditions if one.type == kind)


def after(scaled, plan, **changes):
    """The object once a plan is carried out."""
    status = msgspec.to_builtins(plan.status)
    raw = {**msgspec.to_builtins(scaled), "status": status}
    raw["metadata"] = {**raw["metadata"], "labels": LABEL, **SETTLED, **changes}
    return msgspec.convert(raw, type(scaled))


# -- a new object ----------------------------------------------------------------------------------------------


def test_a_new_object_costs_six_writes_three_of_them_events():
    plan = reconcile(seen(scaled_object()))
    assert kinds(plan) == ["PatchMetadata", "ApplyHpa", "WriteStatus", "Tell", "Tell", "Tell"]
    assert told(plan) == ["KEDAScalersStarted", "KEDAScalersStarted", "ScaledObjectReady"]
    assert plan.polls
    assert plan.problems == ()


def test_finalizer_and_label_go_in_one_patch():
    patch = only(reconcile(seen(scaled_object(labels={"a": "1"}, metadata={"finalizers": ["x/y"]}))), PatchMetadata)
    assert patch.patch == {"finalizers": ["x/y", "finalizer.keda.sh"], "labels": LABEL}
    assert (patch.resource, patch.resource_version) == ("scaledobjects", "7")


@pytest.mark.parametrize(
    ("made", "patch"),
    [
        ({"metadata": SETTLED}, {"labels": LABEL}),
        ({"metadata": SETTLED, "labels": {"scaledobject.keda.sh/name": "other"}}, {"labels": LABEL}),
        ({"labels": LABEL}, {"finalizers": ["finalizer.keda.sh"]}),
    ],
)
def test_only_what_is_missing_is_patched(made, patch):
    assert only(reconcile(seen(scaled_object(**made))), PatchMetadata).patch == patch


def test_the_status_of_a_new_object():
    plan = reconcile(seen(scaled_object(), replicas=4))
    status = plan.status
    assert (status.scale_target_kind, status.original_replica_count) == ("apps/v1.Deployment", 4)
    assert (status.hpa_name, status.triggers_types) == ("keda-hpa-web", "aws-sqs-queue")
    assert [condition.type for condition in status.conditions] == ["Ready", "Active", "Fallback", "Paused"]
    assert condition(plan, "Ready") == ("True", "ScaledObjectReady")
    assert condition(plan, "Active") == ("Unknown", "")
    assert condition(plan, "Fallback") == ("False", "NoFallbackFound")
    assert condition(plan, "Paused") == ("False", "")


def test_the_fallback_of_a_new_object_is_not_known_yet():
    plan = reconcile(seen(scaled_object(fallback={"failureThreshold": 3, "replicas": 2})))
    assert condition(plan, "Fallback") == ("Unknown", "")


def test_a_new_hpa_is_the_wanted_one():
    scaled = scaled_object()
    apply = only(reconcile(seen(scaled)), ApplyHpa)
    assert apply.existing is None
    assert apply.body == wanted_hpa(Subject(scaled, (trigger(),), DEPLOYMENT), Policy())


# -- nothing to do ---------------------------------------------------------------------------------------------


def test_an_object_that_stands_as_it_should_costs_nothing():
    scaled = scaled_object()
    standing = after(scaled, reconcile(seen(scaled)))
    for generation in (None, 1):
        plan = reconcile(seen(standing, hpas=(hpa_of(standing),), polled_generation=generation))
        assert plan.actions == ()
        assert plan.polls


@pytest.mark.parametrize(
    "reason", ["TriggerError", "PartialTriggerError", "ErrorGettingCurrentReplicas", "ScaledObjectReady"]
)
def test_what_the_checks_said_last_stays(reason):
    scaled = scaled_object()
    standing = after(scaled, reconcile(seen(scaled)))
    said = [{"type": "Ready", "status": "False", "reason": reason, "message": "as the checks said"}]
    others = [msgspec.to_builtins(one) for one in standing.status.conditions if one.type != "Ready"]
    raw = msgspec.to_builtins(standing)
    raw["status"]["conditions"] = [*said, *others]
    plan = reconcile(seen(msgspec.convert(raw, type(scaled)), hpas=(hpa_of(standing),)))
    assert plan.actions == ()


# -- changes ---------------------------------------------------------------------------------------------------


def test_a_changed_spec_updates_the_hpa_and_says_that_polling_begins_anew():
    scaled = scaled_object()
    standing = after(scaled, reconcile(seen(scaled)))
    changed = settled(maxReplicaCount=7, metadata={"generation": 2}, status=msgspec.to_builtins(standing.status))
    plan = reconcile(seen(changed, hpas=(hpa_of(standing),), polled_generation=1))
    assert kinds(plan) == ["ApplyHpa", "Tell", "Tell"]
    apply = only(plan, ApplyHpa)
    assert apply.body["spec"]["maxReplicas"] == 7
    assert apply.existing["metadata"]["resourceVersion"] == "3"
    assert told(plan) == ["KEDAScalersStarted", "KEDAScalersStarted"]


def test_a_renamed_hpa_is_deleted_before_the_new_one_is_made():
    old = settled(status={"hpaName": "keda-hpa-web"})
    renamed = settled(
        status={"hpaName": "keda-hpa-web"}, advanced={"horizontalPodAutoscalerConfig": {"name": "fresh"}}
    )
    plan = reconcile(seen(renamed, hpas=(hpa_of(old),)))
    assert kinds(plan)[:2] == ["DeleteHpa", "ApplyHpa"]
    assert only(plan, DeleteHpa) == DeleteHpa("shop", "keda-hpa-web", "hpa-of-web")
    assert only(plan, ApplyHpa).name == "fresh"
    assert plan.status.hpa_name == "fresh"


def test_a_former_hpa_that_is_somebody_elses_now_stays():
    renamed = settled(status={"hpaName": "old"}, advanced={"horizontalPodAutoscalerConfig": {"name": "fresh"}})
    plan = reconcile(seen(renamed, hpas=(foreign_hpa("old", "api"),)))
    assert "DeleteHpa" not in kinds(plan)


def test_a_deleted_hpa_is_made_again():
    scaled = scaled_object()
    standing = after(scaled, reconcile(seen(scaled)))
    assert kinds(reconcile(seen(standing, polled_generation=1))) == ["ApplyHpa", "Tell", "Tell"]


def test_fields_without_effect_are_told_once():
    scaled = scaled_object(minReplicaCount=2, pollingInterval=5)
    plan = reconcile(seen(scaled))
    assert plan.warnings
    assert "KEDAScalerInfo" in told(plan)
    standing = after(scaled, plan)
    assert reconcile(seen(standing, hpas=(hpa_of(standing),))).actions == ()


# -- whose HPA -------------------------------------------------------------------------------------------------

ADOPTING = {
    "annotations": {"scaledobject.keda.sh/transfer-hpa-ownership": "true"},
    "advanced": {"horizontalPodAutoscalerConfig": {"name": "mine"}},
}


def refused(plan, *words):
    assert not plan.polls
    assert condition(plan, "Ready") == ("False", "ScaledObjectCheckFailed")
    assert condition(plan, "Active") == ("Unknown", "UnknownState")
    assert told(plan)[-1] == "ScaledObjectCheckFailed"
    assert {"ApplyHpa", "SetReplicas"}.isdisjoint(kinds(plan))
    event = plan.actions[-1]
    for word in words:
        assert word in message(plan)
        assert word in event.message
    assert plan.problems
    return plan


def test_an_hpa_of_somebody_else_on_the_target_is_refused_with_the_remedy():
    plan = reconcile(seen(scaled_object(), hpas=(foreign_hpa(),)))
    refused(plan, "HPA mine", "transfer-hpa-ownership", "delete it")
    assert plan.look_again


def test_an_hpa_of_somebody_else_with_our_name_is_refused():
    plan = reconcile(seen(scaled_object(), hpas=(foreign_hpa("keda-hpa-web", "api"),)))
    refused(plan, "keda-hpa-web", "choose another name")


def test_an_hpa_that_allows_another_is_let_be():
    allowed = foreign_hpa(annotations={"validations.keda.sh/hpa-ownership": "false"})
    assert reconcile(seen(scaled_object(), hpas=(allowed,))).polls
    same_name = foreign_hpa("keda-hpa-web", annotations={"validations.keda.sh/hpa-ownership": "false"})
    refused(reconcile(seen(scaled_object(), hpas=(same_name,))), "keda-hpa-web")


def test_an_hpa_is_taken_over_when_asked_for():
    standing = foreign_hpa()
    plan = reconcile(seen(scaled_object(**ADOPTING), hpas=(standing,)))
    apply = only(plan, ApplyHpa)
    assert (apply.name, apply.existing) == ("mine", standing)
    assert apply.body["metadata"]["ownerReferences"][0]["uid"] == "uid-of-web"
    assert plan.polls


def test_a_takeover_needs_the_name():
    plan = reconcile(seen(scaled_object(annotations=ADOPTING["annotations"])))
    refused(plan, "advanced.horizontalPodAutoscalerConfig.name")


def test_an_orphan_of_ours_is_adopted():
    orphan = hpa_of(settled())
    orphan["metadata"]["ownerReferences"] = []
    assert only(reconcile(seen(settled(), hpas=(orphan,))), ApplyHpa).existing == orphan


def test_one_who_is_at_work_goes_on_beside_a_new_hpa():
    scaled = scaled_object()
    standing = after(scaled, reconcile(seen(scaled)))
    plan = reconcile(seen(standing, hpas=(hpa_of(standing), foreign_hpa())))
    assert plan.polls
    assert plan.actions == ()


# -- two objects on one target ---------------------------------------------------------------------------------


def born(name, hour, **more):
    return settled(
        name=name,
        metadata={"creationTimestamp": f"1970-01-12T{hour:02}:00:00Z"},
        labels={"scaledobject.keda.sh/name": name},
        **more,
    )


def test_of_two_new_objects_the_older_one_goes_first():
    older, younger = born("a", 3), born("b", 4)
    assert reconcile(seen(older, others=(younger,))).polls
    refused(reconcile(seen(younger, others=(older,))), "ScaledObject a")


def test_one_who_is_at_work_goes_before_an_older_newcomer():
    older, younger = born("a", 3), born("b", 4)
    hpas = (hpa_of(younger),)
    assert reconcile(seen(younger, others=(older,), hpas=hpas)).polls
    refused(reconcile(seen(older, others=(younger,), hpas=hpas)), "ScaledObject b")


def test_of_two_at_work_the_younger_one_stands_back_and_takes_its_hpa_away():
    older, younger = born("a", 3), born("b", 4)
    hpas = (hpa_of(older), hpa_of(younger))
    assert reconcile(seen(older, others=(younger,), hpas=hpas)).polls
    plan = reconcile(seen(younger, others=(older,), hpas=hpas))
    refused(plan, "ScaledObject a")
    assert only(plan, DeleteHpa).name == "keda-hpa-b"


def test_two_objects_on_one_hpa_name():
    name = {"horizontalPodAutoscalerConfig": {"name": "shared"}}
    older, younger = born("a", 3, advanced=name), born("b", 4, advanced=name, scaleTargetRef={"name": "api"})
    assert reconcile(seen(older, others=(younger,))).polls
    refused(reconcile(seen(younger, others=(older,))), "shared", "ScaledObject a")


def test_neighbours_on_other_targets_do_not_matter():
    other = born("a", 3, scaleTargetRef={"name": "web", "kind": "StatefulSet"})
    assert reconcile(seen(born("b", 4), others=(other,))).polls


# -- broken objects --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        ("not-found", ["spec.scaleTargetRef.name", "Deployment web", "does not exist in shop", "create it"]),
        ("no-kind", ["spec.scaleTargetRef.kind", "apps/v1", "Deployment"]),
        ("no-scale", ["spec.scaleTargetRef.kind", "/scale"]),
    ],
)
def test_a_target_that_cannot_be_scaled(cause, words):
    plan = reconcile(seen(scaled_object(), target=Unresolved(cause, "404 NotFound")))
    refused(plan, *words, "404 NotFound")
    assert plan.look_again == 30
    assert plan.status.original_replica_count is None


BROKEN = [
    ({"minReplicaCount": 5, "maxReplicaCount": 2}, "spec.minReplicaCount"),
    ({"idleReplicaCount": 0}, "spec.idleReplicaCount"),
    ({"advanced": {"scalingModifiers": {"target": "2"}}}, "spec.advanced.scalingModifiers.formula"),
    ({"annotations": {"kube-scaler.dev/no-data": "maybe"}}, "kube-scaler.dev/no-data"),
    ({"fallback": {"failureThreshold": 1, "replicas": 1, "behavior": "scalingModifiers"}}, "spec.fallback.behavior"),
]


@pytest.mark.parametrize(("made", "word"), BROKEN)
def test_a_broken_rule_is_refused_with_its_path(made, word):
    plan = reconcile(seen(scaled_object(**made)))
    refused(plan, word)
    assert plan.look_again is None


def test_what_only_admission_refuses_goes_on_when_it_is_at_work():
    fallback = {"fallback": {"failureThreshold": 1, "replicas": 1}}
    triggers = [{"type": "cpu", "metadata": {}}]
    made = scaled_object(triggers=triggers, minReplicaCount=1, **fallback)
    refused(reconcile(seen(made, cpu(0))), "spec.fallback")
    assert reconcile(seen(made, cpu(0), hpas=(hpa_of(made, cpu(0)),))).polls


def test_cpu_alone_cannot_go_to_zero_and_needs_requests():
    triggers = [{"type": "cpu", "metadata": {}}]
    refused(reconcile(seen(scaled_object(triggers=triggers), cpu(0))), "spec.minReplicaCount")
    bare = {"containers": [{"name": "app"}]}
    scaled = scaled_object(triggers=triggers, minReplicaCount=1)
    refused(reconcile(seen(scaled, cpu(0), pod_spec=bare)), "container app")
    assert reconcile(
        seen(scaled, cpu(0), pod_spec={"containers": [{"name": "app", "resources": {"requests": {"cpu": "1"}}}]})
    ).polls


def test_a_refusal_is_told_once_and_cured_by_itself():
    scaled = scaled_object()
    first = reconcile(seen(scaled, target=Unresolved("not-found")))
    standing = after(scaled, first)
    again = reconcile(seen(standing, target=Unresolved("not-found")))
    assert again.actions == ()
    cured = reconcile(seen(standing))
    assert told(cured) == ["KEDAScalersStarted", "KEDAScalersStarted", "ScaledObjectReady"]
    assert condition(cured, "Ready") == ("True", "ScaledObjectReady")


def test_a_refused_object_that_was_polled_says_that_polling_ended():
    assert "KEDAScalersStopped" in told(
        reconcile(seen(settled(), target=Unresolved("not-found"), polled_generation=1))
    )


def test_a_name_too_long_for_a_label_is_refused_without_writing_the_label():
    plan = reconcile(seen(scaled_object(name="a" * 64)))
    refused(plan, "metadata.name")
    assert only(plan, PatchMetadata).patch == {"finalizers": ["finalizer.keda.sh"]}


# -- a trigger that cannot be built ----------------------------------------------------------------------------


def test_one_trigger_that_cannot_be_built_leaves_the_others_at_work():
    scaled = scaled_object(triggers=TWO)
    plan = reconcile(seen(scaled, trigger(0), trigger(1, kind="redis", problem="metadata.listName is missing")))
    assert plan.polls
    assert condition(plan, "Ready") == ("False", "ScaledObjectCheckFailed")
    assert "spec.triggers[1]: the redis trigger cannot be built: metadata.listName is missing" in message(plan)
    assert told(plan) == ["KEDAScalersStarted", "KEDAScalersStarted", "ScaledObjectCheckFailed"]
    body = only(plan, ApplyHpa).body["spec"]
    assert [one["external"]["metric"]["name"] for one in body["metrics"]] == ["s0-queue"]
    assert body["behavior"]["scaleDown"]["selectPolicy"] == "Disabled"


def test_it_stays_disabled_until_the_trigger_is_built():
    scaled = scaled_object(triggers=TWO)
    plans = (trigger(0), trigger(1, kind="redis", problem="metadata.listName is missing"))
    first = reconcile(seen(scaled, *plans))
    standing = after(scaled, first)
    partial = {**only(first, ApplyHpa).body}
    assert reconcile(seen(standing, *plans, hpas=(partial,))).actions == ()
    healed = reconcile(seen(standing, trigger(0), trigger(1, kind="redis"), hpas=(partial,)))
    body = only(healed, ApplyHpa).body["spec"]
    assert len(body["metrics"]) == 2
    assert "behavior" not in body
    assert told(healed) == ["ScaledObjectReady"]


def test_a_standing_hpa_keeps_its_metrics_while_a_trigger_cannot_be_built():
    scaled = scaled_object(triggers=TWO)
    standing = after(scaled, reconcile(seen(scaled, trigger(0), trigger(1, kind="redis"))))
    hpa = hpa_of(standing, trigger(0), trigger(1, kind="redis"))
    plan = reconcile(seen(standing, trigger(0), trigger(1, kind="redis", problem="secret is gone"), hpas=(hpa,)))
    assert kinds(plan) == ["WriteStatus", "Tell"]
    assert plan.status.external_metric_names == ("s0-queue", "s1-queue")


def test_no_hpa_is_made_when_no_trigger_can_be_built():
    plan = reconcile(seen(scaled_object(), trigger(0, problem="metadata.queueURL is missing")))
    assert "ApplyHpa" not in kinds(plan)
    assert plan.status.hpa_name == ""
    assert plan.polls


# -- pausing ---------------------------------------------------------------------------------------------------

PAUSED = {"autoscaling.keda.sh/paused": "true"}


def paused_at(replicas, **more):
    return {"autoscaling.keda.sh/paused-replicas": str(replicas), **more}


def test_a_pause_deletes_the_hpa_and_stops_polling():
    scaled = settled(annotations=PAUSED)
    plan = reconcile(seen(scaled, hpas=(hpa_of(scaled),), polled_generation=1))
    assert kinds(plan) == ["DeleteHpa", "WriteStatus", "Tell", "Tell"]
    assert told(plan) == ["KEDAScalersStopped", "ScaledObjectPaused"]
    assert not plan.polls
    assert condition(plan, "Paused") == ("True", "ScaledObjectPaused")
    assert condition(plan, "Ready") == ("True", "ScaledObjectReady")
    assert plan.status.paused_replica_count is None


@pytest.mark.parametrize(
    ("value", "pauses"),
    [("true", True), ("1", True), ("yes please", True), ("", True), ("false", False), ("F", False), ("0", False)],
)
def test_whatever_is_no_false_pauses(value, pauses):
    plan = reconcile(seen(scaled_object(annotations={"autoscaling.keda.sh/paused": value})))
    assert plan.polls is not pauses


def test_paused_replicas_are_set_and_kept_in_the_status():
    scaled = settled(annotations=paused_at(2))
    plan = reconcile(seen(scaled, hpas=(hpa_of(scaled),), replicas=4))
    assert kinds(plan) == ["DeleteHpa", "SetReplicas", "WriteStatus", "Tell"]
    assert only(plan, SetReplicas) == SetReplicas("apps", "v1", "deployments", "shop", "web", 2)
    assert plan.status.paused_replica_count == 2
    assert plan.status.original_replica_count == 4


@pytest.mark.parametrize(
    "annotations", [paused_at(0), paused_at(0, **PAUSED), paused_at(0, **{"autoscaling.keda.sh/paused": "false"})]
)
def test_paused_replicas_win_over_paused(annotations):
    plan = reconcile(seen(scaled_object(annotations=annotations)))
    assert only(plan, SetReplicas).replicas == 0
    assert not plan.polls


def test_a_paused_object_costs_nothing_and_is_held_to_its_replicas():
    scaled = scaled_object(annotations=paused_at(2))
    standing = after(scaled, reconcile(seen(scaled, replicas=2)))
    assert reconcile(seen(standing, replicas=2)).actions == ()
    assert kinds(reconcile(seen(standing, replicas=5))) == ["SetReplicas"]


@pytest.mark.parametrize("value", ["two", "-1", "2.5", "", "99999999999", "\u0661"])
def test_paused_replicas_that_are_no_number_pause_and_say_so(value):
    plan = reconcile(seen(settled(annotations=paused_at(value)), polled_generation=1))
    assert "SetReplicas" not in kinds(plan)
    assert not plan.polls
    assert condition(plan, "Ready") == ("False", "ScaledObjectCheckFailed")
    assert f'"{value}"' in message(plan)
    assert told(plan)[-1] == "ScaledObjectCheckFailed"


def test_a_paused_object_without_a_target_says_so():
    plan = reconcile(seen(scaled_object(annotations=paused_at(2)), target=Unresolved("not-found")))
    assert condition(plan, "Ready") == ("False", "ScaledObjectCheckFailed")
    assert plan.look_again == 30


def test_the_end_of_a_pause_makes_the_hpa_again():
    scaled = scaled_object(annotations=paused_at(2))
    standing = after(scaled, reconcile(seen(scaled, replicas=2)), annotations={})
    plan = reconcile(seen(standing, replicas=2))
    assert kinds(plan)[:2] == ["ApplyHpa", "WriteStatus"]
    assert told(plan) == ["ScaledObjectUnpaused", "KEDAScalersStarted", "KEDAScalersStarted"]
    assert condition(plan, "Paused") == ("False", "ScaledObjectUnpaused")
    assert plan.status.paused_replica_count is None
    assert only(plan, WriteStatus).patch["pausedReplicaCount"] is None
    assert "paused" not in message(plan)


@pytest.mark.parametrize("direction", ["in", "out"])
def test_one_paused_direction_keeps_hpa_and_polling(direction):
    scaled = settled(annotations={f"autoscaling.keda.sh/paused-scale-{direction}": "true"})
    plan = reconcile(seen(scaled))
    assert plan.polls
    assert condition(plan, "Paused") == ("True", "ScaledObjectPaused")
    assert f"no scaling {direction}" in message(plan, "Paused")
    assert "ScaledObjectPaused" in told(plan)
    assert only(plan, ApplyHpa).body["spec"]["behavior"]


# -- parting ---------------------------------------------------------------------------------------------------

DELETED = {"deletionTimestamp": "1970-01-12T12:00:00Z"}
KNOWN = {
    "originalReplicaCount": 3,
    "scaleTargetGVKR": {"group": "apps", "version": "v1", "kind": "Deployment", "resource": "deployments"},
}


def test_a_deleted_object_gives_up_its_finalizer_and_nothing_else():
    scaled = settled(metadata={**DELETED, "finalizers": ["a/b", "finalizer.keda.sh"]}, status=KNOWN)
    plan = reconcile(seen(scaled, target=None, hpas=(hpa_of(scaled),), polled_generation=1))
    assert kinds(plan) == ["PatchMetadata", "Tell", "Tell"]
    patch = only(plan, PatchMetadata)
    assert (patch.patch, patch.resource_version) == ({"finalizers": ["a/b"]}, "7")
    assert told(plan) == ["KEDAScalersStopped", "ScaledObjectDeleted"]
    assert plan.actions[-1].type == "Warning"
    assert plan.gone
    assert not plan.polls


def test_a_deleted_object_without_our_finalizer_is_gone():
    plan = reconcile(seen(scaled_object(metadata=DELETED)))
    assert (plan.actions, plan.gone) == ((), True)


def test_the_original_replicas_are_restored_after_the_hpa_is_gone():
    scaled = settled(metadata=DELETED, status=KNOWN, advanced={"restoreToOriginalReplicaCount": True})
    plan = reconcile(seen(scaled, target=None, hpas=(hpa_of(scaled),)))
    assert kinds(plan) == ["DeleteHpa", "SetReplicas", "PatchMetadata", "Tell"]
    assert only(plan, SetReplicas).replicas == 3


@pytest.mark.parametrize(
    ("status", "target"), [({}, None), ({"originalReplicaCount": 3}, None), (KNOWN, Unresolved("not-found"))]
)
def test_nothing_is_restored_that_is_not_known(status, target):
    scaled = settled(metadata=DELETED, status=status, advanced={"restoreToOriginalReplicaCount": True})
    assert kinds(reconcile(seen(scaled, target=target))) == ["PatchMetadata", "Tell"]


def test_a_deleted_object_that_is_paused_goes_too():
    assert reconcile(seen(settled(metadata=DELETED, annotations=PAUSED))).gone


def test_what_the_api_server_keeps_refusing_is_told_once_with_a_remedy():
    scaled = scaled_object()
    status, event = not_reconciled(scaled, scaled.status, "403 Forbidden: may not create")
    ready = next(one for one in status.conditions if one.type == "Ready")
    assert (ready.status, ready.reason) == ("False", "ScaledObjectCheckFailed")
    assert "403 Forbidden: may not create" in ready.message
    assert "deploy/rbac.yaml" in ready.message
    assert event.reason == "ScaledObjectCheckFailed"
    again, event = not_reconciled(scaled, status, "403 Forbidden: may not create")
    assert again == status
    assert event is None
