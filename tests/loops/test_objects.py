import msgspec

from scaler.api.scaledobject import ScaledObject
from scaler.horizontal.readings import Memory
from scaler.loops.objects import Objects, Tracked, authentications


def scaled(name="a", target="web", hpa="", *, generation=1, auth=None, status=None, **annotations):
    trigger = {"type": "cron", "metadata": {}}
    if auth:
        trigger["authenticationRef"] = auth
    return msgspec.convert(
        {
            "metadata": {"name": name, "namespace": "ns", "generation": generation, "annotations": annotations},
            "spec": {
                "scaleTargetRef": {"name": target},
                "triggers": [trigger],
                "advanced": {"horizontalPodAutoscalerConfig": {"name": hpa}},
            },
            "status": status or {},
        },
        ScaledObject,
    )


def kept(*many):
    objects = Objects()
    for one in many:
        objects.add(Tracked(one, Memory()))
    return objects


def names(tracked):
    return [one.key[1] for one in tracked]


def test_rivals_share_the_target_or_the_hpas_name():
    objects = kept(scaled("a"), scaled("b"), scaled("c", "other", "keda-hpa-a"), scaled("d", "third"))
    assert names(objects.rivals(objects.get(("ns", "a")))) == ["b", "c"]
    assert names(objects.rivals(objects.get(("ns", "d")))) == []


def test_a_changed_target_is_found_at_its_new_place_only():
    objects = kept(scaled("a"))
    objects.replace(objects.get(("ns", "a")), scaled("a", "new"))
    assert list(objects.on_target("ns", "Deployment", "web")) == []
    assert list(objects.on_target("ns", "Deployment", "new")) == [("ns", "a")]


def test_a_removed_object_leaves_nothing_behind():
    objects = kept(scaled("a"))
    objects.remove(("ns", "a"))
    objects.remove(("ns", "a"))
    assert len(objects) == 0
    assert not objects._by_target
    assert not objects._by_hpa


def test_a_change_of_one_that_is_gone_does_not_bring_it_back():
    """The answer to our last write, without the finalizer, may come after the watch has told of the end."""
    objects = kept(scaled("a"), scaled("b"))
    gone = objects.remove(("ns", "a"))
    objects.replace(gone, scaled("a"))
    assert objects.rivals(objects.get(("ns", "b"))) == []
    assert objects.on_target("ns", "Deployment", "web") == (("ns", "b"),)


def test_the_status_is_kept_apart_from_what_the_user_wrote():
    tracked = Tracked(scaled(status={"hpaName": "x"}), Memory())
    assert tracked.present.hpa_name == tracked.wanted.hpa_name == "x"
    assert tracked.scaled.status.hpa_name == ""


def test_only_generation_and_judged_annotations_ask_for_a_check_at_once():
    plain = Tracked(scaled(), Memory()).asks
    assert Tracked(scaled(**{"kubectl.kubernetes.io/x": "1"}), Memory()).asks == plain
    assert Tracked(scaled(**{"autoscaling.keda.sh/paused": "true"}), Memory()).asks != plain
    assert Tracked(scaled(**{"kube-scaler.dev/no-data": "strict"}), Memory()).asks != plain
    assert Tracked(scaled(generation=2), Memory()).asks != plain


def test_other_credentials_ask_for_a_check_at_once():
    tracked = Tracked(scaled(), Memory())
    plain = tracked.asks
    tracked.built_from = (1, ("uid", 2))
    assert tracked.asks != plain


def test_users_of_an_authentication_are_found_by_kind_namespace_and_name():
    objects = kept(
        scaled("a", auth={"name": "x"}),
        scaled("b", "w2", auth={"name": "x", "kind": "ClusterTriggerAuthentication"}),
        scaled("c", "w3"),
    )
    assert names(objects.using("TriggerAuthentication", "ns", "x")) == ["a"]
    assert names(objects.using("ClusterTriggerAuthentication", "", "x")) == ["b"]
    assert authentications(objects.get(("ns", "c"))) == []
