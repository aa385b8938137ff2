"""What a recording means for a workload."""

import numpy as np
import pytest

from scaler.errors import Invalid
from scaler.history.recorded import Recorded
from scaler.history.series import Series
from scaler.sim.backtest.loads import Meaning, Meant, load_for
from scaler.sim.backtest.manifests import played
from tests.sim.backtest.test_manifests import container, deployment, hpa, one, scaled_object

MINUTES = np.arange(10) * 60.0


def recorded(values: object, metric: str = "cpu", unit: str = "", name: str = "web", start: float = 1e9) -> Recorded:
    numbers = np.asarray(values, dtype=np.float64)
    return Recorded(name, metric, unit, True, Series(start + MINUTES[: len(numbers)], numbers))


def load(*recording: Recorded, objects: tuple[object, ...] = (), **meaning: object) -> Meant:
    return load_for(one(*(objects or (deployment(), hpa()))), recording, Meaning(**meaning))  # type: ignore[arg-type]


def test_cores_are_taken_as_they_stand() -> None:
    meant = load(recorded([1, 2, 3], unit="cores"))
    assert meant.load.cores.tolist() == [1, 2, 3]
    assert (meant.load.start, meant.load.step) == (1e9, 60)
    assert load(recorded([1000, 2500], unit="millicores")).load.cores.tolist() == [1, 2.5]


def test_a_shape_peaks_at_what_the_workload_works_at_and_that_is_said() -> None:
    meant = load(recorded([10, 50], unit="% of a machine"))
    assert meant.load.cores.max() == pytest.approx(0.7 * 4 * 0.5)
    assert any("--peak says otherwise" in note for note in meant.notes)


def test_the_peak_that_is_given_counts_whatever_the_unit() -> None:
    assert load(recorded([1, 4], unit="cores"), peak=8.0).load.cores.tolist() == [2, 8]


def test_messages_go_through_a_queue_where_a_trigger_looks_at_one() -> None:
    meant = load(recorded([60, 600], "requests", "requests/min"), objects=(deployment(), scaled_object()))
    queue = meant.load.queue
    assert queue is not None
    assert queue.arrivals.tolist() == [1, 10]
    assert queue.visible == ("s0-aws-sqs-work",)
    assert queue.rate == pytest.approx(5 / 30)
    assert any("--pod-rate says otherwise" in note for note in meant.notes)


def test_requests_without_a_queue_are_a_shape_of_cpu() -> None:
    assert load(recorded([60, 600], "requests", "requests/min")).load.queue is None


def test_memory_beside_it_is_taken_at_the_same_times() -> None:
    memory = recorded([2**30, 3 * 2**30], "memory", "bytes")
    kept = load(recorded([1, 2], unit="cores"), memory).load.memory
    assert kept is not None
    assert kept.tolist() == [2**30, 3 * 2**30]
    assert load(recorded([1, 2], unit="cores")).load.memory is None


def test_what_is_not_known_for_longer_than_a_step_stays_unknown() -> None:
    known = [1.0, 1.0, 1.0, np.nan, np.nan, np.nan, np.nan, 1.0, 1.0, 1.0]
    assert np.isnan(load(recorded(known, unit="cores")).load.cores).tolist() == [
        *[False] * 4, True, True, *[False] * 4
    ]  # fmt: skip


def test_only_the_end_is_played_where_that_is_asked_for() -> None:
    assert load(recorded([1, 2, 3, 4, 5], unit="cores"), last=120.0).load.cores.tolist() == [3, 4, 5]


def test_the_series_that_is_called_like_the_workload_is_taken() -> None:
    two = (recorded([1, 1], unit="cores", name="other"), recorded([5, 5], unit="cores", name="shop/web"))
    assert load(*two).load.cores.max() == 5
    assert load(*two, series="other").load.cores.max() == 1


@pytest.mark.parametrize(
    ("recording", "meaning", "words"),
    [
        ((recorded([1, 1], name="a"), recorded([1, 1], name="b")), {}, "choose one by --series: a, b"),
        ((recorded([1, 1]),), {"series": "nobody"}, "has no series 'nobody'"),
        ((recorded([1, 1], "memory", "bytes"),), {}, "has memory only"),
        ((recorded([0, 0], unit="%"),), {}, "is never more than 0"),
        ((recorded([1], unit="cores"),), {}, "fewer than two samples"),
    ],
)
def test_a_recording_that_does_not_fit_is_refused_with_the_remedy(
    recording: tuple[Recorded, ...], meaning: dict[str, object], words: str
) -> None:
    with pytest.raises(Invalid, match=words):
        load(*recording, **meaning)


def test_a_shape_for_a_workload_without_requests_needs_its_peak() -> None:
    bare = (deployment(containers=[container("main")]), hpa())
    with pytest.raises(Invalid, match="--peak CORES"):
        load(recorded([1, 2], unit="%"), objects=bare)
    assert load(recorded([1, 2], unit="%"), objects=bare, peak=3.0).load.cores.max() == 3


def test_a_schedule_is_played_and_what_nobody_recorded_is_unreadable_and_said() -> None:
    scaled = scaled_object()
    window = {"timezone": "UTC", "start": "0 8 * * *", "end": "0 18 * * *", "desiredReplicas": "6"}
    scaled["spec"]["triggers"].append({"type": "cron", "metadata": window})
    found, _ = played([deployment(), scaled], "shop")
    times = np.arange(0, 86400, 3600.0)
    day = Recorded("web", "cpu", "cores", True, Series(times, np.ones(len(times))))
    meant = load_for(found[0], [day], Meaning())
    (cron,) = (values for name, values in meant.load.metrics.items() if "cron" in name)
    assert [hour for hour, replicas in enumerate(cron) if replicas == 6] == list(range(8, 18))
    assert any("s0-aws-sqs-work showed is not in the recording" in note for note in meant.notes)
