"""What a process costs: CPU of all its threads and children, memory, from /proc."""

import os
from pathlib import Path

import msgspec

_TICK = os.sysconf("SC_CLK_TCK")


class Cost(msgspec.Struct, frozen=True):
    """Seconds of CPU so far, and MiB of memory now."""

    cpu: float
    memory: float


def cost(pid: int) -> Cost:
    """Of the process and everything below it, children that ended included."""
    cpu, memory = 0.0, 0.0
    for each in [pid, *_below(pid)]:
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split()
            status = Path(f"/proc/{each}/status").read_text()
        except FileNotFoundError:
            continue
        cpu += sum(int(fields[index]) for index in (11, 12, 13, 14)) / _TICK
        memory += next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")), 0) / 1024
    return Cost(cpu, memory)


def _below(pid: int) -> list[int]:
    children: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            children += [int(child), *_below(int(child))]
    return children


def machine() -> str:
    """The machine, in one line, for the head of a report."""
    model = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        "?",
    )
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores ({model}), {pages:.0f} GiB, shared by everything: etcd, API server, source, us"
