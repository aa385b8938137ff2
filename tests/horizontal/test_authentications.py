import msgspec
import pytest

from scaler.actions import PatchMetadata, Tell, WriteStatus
from scaler.api.authentication import ClusterTriggerAuthentication, TriggerAuthentication
from scaler.horizontal.authentications import settle


def authentication(kind=TriggerAuthentication, *, status=None, **metadata):
    meta = {"name": "creds", "namespace": "shop", "generation": 1, "resourceVersion": "7"} | metadata
    return msgspec.convert({"metadata": meta, "spec": {}, "status": status or {}}, kind)


def test_a_new_one_gets_its_finalizer_and_is_told_once():
    new = authentication(finalizers=["other"])
    assert settle(new, [], None) == (
        PatchMetadata(
            new.ref, "triggerauthentications", {"finalizers": ["other", "finalizer.keda.sh"]}, resource_version="7"
        ),
        Tell(new.ref, "Normal", "TriggerAuthenticationAdded", "TriggerAuthentication creds is ready for use"),
    )


def test_a_settled_one_is_left_alone():
    assert settle(authentication(finalizers=["finalizer.keda.sh"]), [], 1) == ()


def test_a_restart_tells_nothing_again():
    assert settle(authentication(finalizers=["finalizer.keda.sh"], generation=4), [], None) == ()


@pytest.mark.parametrize("kind", [TriggerAuthentication, ClusterTriggerAuthentication])
def test_a_changed_one_is_told_under_upstreams_reason(kind):
    (told,) = settle(authentication(kind, finalizers=["finalizer.keda.sh"], generation=2), [], 1)
    assert told.reason == "ClusterTriggerAuthenticationUpdated"


def test_its_status_names_its_users_in_order():
    held = authentication(finalizers=["finalizer.keda.sh"], status={"scaledobjects": "b"})
    assert settle(held, ["b", "a", "b"], 1) == (
        WriteStatus(held.ref, "triggerauthentications", {"scaledobjects": "a,b"}),
    )
    assert (
        settle(authentication(finalizers=["finalizer.keda.sh"], status={"scaledobjects": "a,b"}), ["b", "a"], 1) == ()
    )


def test_a_deleted_one_is_let_go_keeping_the_finalizers_of_others():
    leaving = authentication(
        ClusterTriggerAuthentication,
        finalizers=["finalizer.keda.sh", "other"],
        deletionTimestamp="2026-01-01T00:00:00Z",
    )
    patch, told = settle(leaving, ["a"], 1)
    assert patch.patch == {"finalizers": ["other"]}
    assert told.reason == "ClusterTriggerAuthenticationDeleted"


def test_a_deleted_one_without_our_finalizer_is_not_touched():
    assert settle(authentication(finalizers=["other"], deletionTimestamp="2026-01-01T00:00:00Z"), ["a"], 1) == ()
