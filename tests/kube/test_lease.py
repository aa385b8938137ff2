from scaler.api.meta import ObjectMeta
from scaler.kube.lease import Holder, Lease, LeaseSpec, held, holder_of, released


def test_a_new_lease_is_acquired_and_counts_no_transition() -> None:
    lease = held({"metadata": {"name": "l"}}, "a", 15.0, 1_700_000_000.5)
    assert lease == {
        "metadata": {"name": "l"},
        "spec": {
            "holderIdentity": "a",
            "leaseDurationSeconds": 15,
            "acquireTime": "2023-11-14T22:13:20.500000Z",
            "renewTime": "2023-11-14T22:13:20.500000Z",
            "leaseTransitions": 0,
        },
    }


def test_renewing_keeps_when_it_was_acquired_and_what_else_stands_there() -> None:
    first = held({"spec": {"strategy": "OldestEmulationVersion"}}, "a", 15.0, 100.0)
    again = held(first, "a", 15.0, 110.0)
    assert again["spec"]["acquireTime"] == first["spec"]["acquireTime"]
    assert again["spec"]["renewTime"] == "1970-01-01T00:01:50.000000Z"
    assert (again["spec"]["leaseTransitions"], again["spec"]["strategy"]) == (0, "OldestEmulationVersion")


def test_every_change_of_hands_is_counted() -> None:
    lease = held(held({}, "a", 15.0, 100.0), "b", 15.0, 120.0)
    assert (lease["spec"]["leaseTransitions"], lease["spec"]["acquireTime"]) == (1, "1970-01-01T00:02:00.000000Z")
    assert held(released(lease, 130.0), "c", 15.0, 131.0)["spec"]["leaseTransitions"] == 2


def test_a_released_lease_has_no_holder_and_ends_at_once() -> None:
    lease = released(held({}, "a", 15.0, 100.0), 130.0)
    assert (lease["spec"]["holderIdentity"], lease["spec"]["leaseDurationSeconds"]) == ("", 1)


def test_a_short_duration_is_still_a_second() -> None:
    assert held({}, "a", 0.3, 100.0)["spec"]["leaseDurationSeconds"] == 1


def test_the_holder_is_read_with_what_it_advertises() -> None:
    spec = LeaseSpec("a", 15, None, "1970-01-01T00:02:00.000000Z", 3)
    lease = Lease(ObjectMeta(annotations={"x": "y"}), spec)
    assert holder_of(lease) == Holder("a", {"x": "y"}, 120.0, 15.0, 3)
    assert holder_of(Lease(spec=LeaseSpec(""))) is None
    assert holder_of(Lease()) is None
    assert holder_of(None) is None
