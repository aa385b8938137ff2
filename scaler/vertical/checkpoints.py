"""What was learned, as checkpoints hold it (version v3), so that upstream reads ours and we read theirs.

A weight is stored in ten-thousandths of the heaviest bucket, rounded half up; what rounds to nothing is left out. The
total is stored as it is, and so is the reference. The peak of a memory interval that still runs is left out, so that
a restart does not count one interval twice.
"""

import math
from typing import Final, NamedTuple

import numpy as np

from scaler.api.verticalpodautoscaler import CHECKPOINT_VERSION, CheckpointStatus, HistogramCheckpoint
from scaler.clock import from_rfc3339, to_rfc3339
from scaler.vertical.buckets import Floats
from scaler.vertical.decay import YEAR_ONE, factors
from scaler.vertical.histograms import Groups, Histograms, Merged, ends
from scaler.vertical.usage import MEMORY_WEIGHT, Aggregates, Containers

RESOLUTION: Final = 10000
"""What the heaviest bucket is stored as."""
LARGEST_WEIGHT: Final = 2**32 - 1


class Learned(NamedTuple):
    """What groups of aggregates have learned, merged and ready to be stored."""

    cpu: Merged
    memory: Merged
    first: Floats
    last: Floats
    counts: list[int]

    def status(self, group: int, now: float) -> CheckpointStatus:
        """The checkpoint of one group."""
        count = self.counts[group]
        return CheckpointStatus(
            last_update_time=to_rfc3339(now),
            version=CHECKPOINT_VERSION,
            cpu_histogram=stored(self.cpu, group),
            memory_histogram=stored(self.memory, group),
            first_sample_start=to_rfc3339(float(self.first[group])) if count else None,
            last_sample_start=to_rfc3339(float(self.last[group])) if count else None,
            total_samples_count=count,
        )


def learned(containers: Containers, groups: Groups, now: float) -> Learned:
    """What these groups of aggregates have learned by now."""
    held = containers.aggregates
    return Learned(
        held.cpu.merged(groups),
        _without_running_peaks(containers, groups, held.memory.merged(groups), now),
        np.minimum.reduceat(held.first[groups.rows], groups.begins),
        np.maximum.reduceat(held.last[groups.rows], groups.begins),
        np.add.reduceat(held.count[groups.rows], groups.begins).tolist(),
    )


def _without_running_peaks(containers: Containers, groups: Groups, merged: Merged, now: float) -> Merged:
    rows = np.flatnonzero((containers.aggregate >= 0) & (now < containers.window_end))
    rows = rows[np.argsort(containers.aggregate[rows], kind="stable")]
    aggregates = containers.aggregate[rows]
    begins, past = (np.searchsorted(aggregates, groups.rows, side=side) for side in ("left", "right"))
    counts = past - begins
    sizes = np.diff(np.append(groups.begins, len(groups.rows)))
    owners = np.repeat(np.repeat(np.arange(len(sizes)), sizes), counts)
    steps = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
    running = rows[np.repeat(begins, counts) + steps]
    peaks = np.maximum(containers.peak[running], containers.oom_peak[running]).astype(np.float64)
    memory = containers.aggregates.memory
    weights = MEMORY_WEIGHT * factors(containers.window_end[running], merged.references[owners], memory.half_life)
    np.subtract.at(merged.weights, (owners, memory.buckets.find(peaks)), weights)
    np.subtract.at(merged.totals, owners, weights)
    epsilon = memory.buckets.epsilon
    merged.weights[merged.weights < epsilon] = 0.0
    merged.totals[merged.totals < epsilon] = 0.0
    return Merged(merged.weights, merged.totals, merged.references, *ends(merged.weights, epsilon))


def stored(merged: Merged, row: int) -> HistogramCheckpoint:
    """One of merged histograms."""
    reference = float(merged.references[row])
    return HistogramCheckpoint(
        reference_timestamp=None if reference == YEAR_ONE else to_rfc3339(reference),
        bucket_weights=_weights(merged.weights[row], int(merged.lowest[row]), int(merged.highest[row])),
        total_weight=float(merged.totals[row]),
    )


def _weights(weights: Floats, lowest: int, highest: int) -> dict[str, int]:
    counting = weights[lowest : highest + 1]
    heaviest = counting.max() if len(counting) else 0.0
    if heaviest <= 0.0:
        return {}
    shares = np.floor(counting * RESOLUTION / heaviest + 0.5).astype(np.int64)
    kept = np.flatnonzero(shares)
    return dict(zip(map(str, (kept + lowest).tolist()), shares[kept].tolist(), strict=True))


def load(aggregates: Aggregates, row: int, found: CheckpointStatus) -> None:
    """Fill a new aggregate; ValueError says what the checkpoint holds that cannot be, and then nothing is changed."""
    if found.version != CHECKPOINT_VERSION:
        raise ValueError(f"its version is {found.version or 'not given'}, and only {CHECKPOINT_VERSION} can be read")
    first, last = (_time(text) for text in (found.first_sample_start, found.last_sample_start))
    if found.total_samples_count < 0:
        raise ValueError(f"totalSamplesCount is {found.total_samples_count}, and must be from 0")
    pairs = (aggregates.cpu, found.cpu_histogram), (aggregates.memory, found.memory_histogram)
    for histograms, checkpoint in pairs:
        weights(histograms, checkpoint)
        _time(checkpoint.reference_timestamp)
    for histograms, checkpoint in pairs:
        load_histogram(histograms, row, checkpoint)
    aggregates.count[row] = found.total_samples_count
    aggregates.first[row] = np.inf if first is None else first
    aggregates.last[row] = -np.inf if last is None else last


def load_histogram(histograms: Histograms, row: int, found: HistogramCheckpoint) -> None:
    """Fill an empty row; ValueError says what the checkpoint holds that no histogram can."""
    loaded, reference = weights(histograms, found), _time(found.reference_timestamp)
    whole = float(loaded.sum())
    if whole > 0.0:
        histograms.weights[row] += loaded * (found.total_weight / whole)
        histograms.totals[row] += found.total_weight
    if reference is not None:
        histograms.references[row] = reference


def weights(histograms: Histograms, found: HistogramCheckpoint) -> Floats:
    """The stored weights in their buckets; ValueError says what is wrong with them."""
    count = histograms.buckets.count
    loaded = np.zeros(count)
    for bucket, weight in found.bucket_weights.items():
        if not (bucket.isascii() and bucket.isdigit() and int(bucket) < count):
            raise ValueError(f"bucketWeights has a bucket {bucket!r}; they are numbered 0 to {count - 1}")
        if type(weight) is not int or not 0 <= weight <= LARGEST_WEIGHT:
            raise ValueError(f"bucketWeights.{bucket} is {weight!r}, and must be a whole number to {LARGEST_WEIGHT}")
        loaded[int(bucket)] += weight
    if not (math.isfinite(found.total_weight) and found.total_weight >= 0.0):
        raise ValueError(f"totalWeight is {found.total_weight}, and must be a number from 0")
    return loaded


def _time(text: str | None) -> float | None:
    return from_rfc3339(text) if text else None
