"""What KEDA did at the same work, for the column beside ours. Recorded once, never measured here."""

SOURCE = "KEDA 2.20-dev, measured on 2 cores"
"""Main of 20 August 2026. The two cores (a Xeon, 24 GiB) were shared with API server, etcd, source and client, as here."""

POLLS: dict[int, dict[str, float]] = {
    100: {"cold": 74.3, "restart": 18.5, "cpu": 1.60, "p99": 1, "max": 3, "memory": 130},
    1_000: {"cold": 787.9, "restart": 198.8, "restart_writes": 6000, "cpu": 1.07, "p99": 2, "max": 11, "memory": 225},
    10_000: {"cpu": 0.43, "p99": 13, "max": 39, "memory": 1149},
}
"""By objects. Seconds until all have an HPA, until all are polled again; CPU ms a poll; ms off the interval; MiB.

At its default limits; with them raised a cold start of 1,000 took 80 s. At 10,000 they were raised.
"""
WRITES = 20.0
"""API writes a new object, 3 of them events."""

READS: dict[tuple[str, int], dict[str, object]] = {
    ("fresh", 500): {"cpu": 1.69, "p50": "2.4", "p99": "16.6"},
    ("fresh", 1000): {"cpu": 1.1, "p50": "7.7-28", "p99": "303-928"},
    ("cached", 1000): {"cpu": 1.08, "p50": "4.0", "p99": "289"},
}
"""By kind of read and reads a second: CPU ms a read over both programs, its own polling included, and latency in ms."""

BURST = {"one": (1.75, 14.6, 27.5), "ten": (37.3, 57.2, 72.3)}
"""Seconds from 0 to >= 1 and to 10 replicas at default intervals, of 20 objects: least, mean, most."""

VPA_SOURCE = "VPA 1.8.0-dev, measured on 2 cores"
"""Of 22 August 2026, on the same machine as KEDA, shared with API server, etcd and client, as here."""

RECOMMENDER: dict[int, dict[str, float]] = {
    100: {"cpu": 0.267, "writes": 300, "wall": 4.05, "memory": 67},
    1_000: {"cpu": 10.1, "limited": 16.3, "writes": 3000, "wall": 63.6, "memory": 406},
}
"""By VPAs, each over 10 pods of 2 containers whose usage changed each loop: CPU seconds of a loop with limits raised
(every 15 and 30 s) and at the default 50 calls a second, writes a loop, wall of a loop at 50 a second, MiB."""

UPDATER: dict[str, float] = {"judging": 0.245, "moved": 611, "memory": 192, "evicted_ms": 9.0}
"""1,000 VPAs over 10,000 pods out of bounds: CPU seconds of a loop that may move nothing (every 15 s), pods evicted in
its first minute at the default 50 calls a second, MiB, and CPU ms an eviction, the start of the process included."""

ADMISSION: dict[int, dict[str, float]] = {
    16: {"cpu": 0.207, "p50": 0.41, "p99": 32.9, "rate": 5734, "memory": 87},
    64: {"cpu": 0.212, "p50": 1.55, "p99": 124, "rate": 5565, "memory": 92},
}
"""By connections: CPU ms a review of 2.8 kB, latency in ms, reviews a second, MiB; 1,000 VPAs, every answer a patch."""
