"""Random scenes by number: loads, targets, bounds, delays, disturbances, missing data; a day each."""

from typing import Any

import msgspec
import numpy as np

from scaler.sim.backtest.oscillation import oscillation
from scaler.sim.backtest.play import play
from scaler.sim.backtest.run import Run
from scaler.sim.backtest.scene import Floats, Nature, Scene
from tests.sim.backtest.scenes import DAY, HOUR, MINUTE, hpa, load, vpa, workload

MINUTES = round(DAY / MINUTE)
Random = np.random.Generator


def weather(number: int) -> Scene:
    """The scene of this number, always the same."""
    random = np.random.default_rng([20261126, number])
    request = int(random.choice([100, 250, 500, 1000, 2000, 4000]))
    utilization = int(random.integers(20, 96))
    least = int(random.integers(1, 7))
    most = least + int(random.integers(1, 31))
    point = request * utilization / 100_000.0
    # From far below the least replicas to far beyond the most.
    scale = point * float(np.exp(random.uniform(np.log(0.2 * least), np.log(1.5 * most))))
    limited = bool(random.random() < 0.5)
    made = workload(
        replicas=int(random.integers(least, most + 1)),
        cpu=request,
        limit=request * int(random.integers(1, 4)) if limited else None,
        startup=float(random.uniform(5, 240)),
    )
    return Scene(
        workload=made,
        load=load(_shape(random) * scale),
        hpa=hpa(least=least, most=most, utilization=utilization),
        vpa=vpa(str(random.choice(["Recreate", "InPlaceOrRecreate", "InPlace", "Initial"], p=[0.3, 0.4, 0.2, 0.1]))),
        nature=_nature(random),
        learned=float(random.choice([0.0, 1.0, 3.0], p=[0.2, 0.4, 0.4])),
    )


def _shape(random: Random) -> Floats:
    """A day of load around 1."""
    time = np.arange(MINUTES) / MINUTES
    kind = int(random.integers(0, 6))
    if kind == 0:
        found = np.ones(MINUTES)
    elif kind == 1:
        found = 1.0 + random.uniform(0.1, 0.9) * np.sin(2 * np.pi * (random.integers(1, 5) * time + random.random()))
    elif kind == 2:
        levels = random.uniform(0.1, 2.5, 8)
        found = levels[(time * 8).astype(int)]
    elif kind == 3:
        found = np.exp(np.cumsum(random.normal(0, 0.02, MINUTES)))
    elif kind == 4:
        found = np.full(MINUTES, 0.5)
        for begin in random.integers(0, MINUTES - 60, int(random.integers(1, 6))):
            found[begin : begin + int(random.integers(5, 120))] = random.uniform(1.0, 4.0)
    else:
        found = np.interp(time, np.linspace(0, 1, 6), random.uniform(0.1, 2.5, 6))
    if random.random() < 0.5:  # the second half stands still
        found = np.where(time < 0.5, found, found[MINUTES // 2])
    return np.clip(found, 0.01, 8.0)


def _nature(random: Random) -> Nature:
    begins = random.uniform(0, 20 * HOUR, int(random.integers(0, 3)))
    fields: dict[str, Any] = {
        "noise": float(random.choice([0.0, 0.02, 0.05, 0.1])),
        "jitter": float(random.choice([0.0, 0.05, 0.15])),
        "skew": float(random.choice([0.0, 0.05, 0.1])),
        "delay": float(random.choice([15.0, 30.0, 60.0, 90.0])),
        "lost": float(random.choice([0.0, 0.05, 0.2])),
        "resize": float(random.uniform(5, 180)),
        "infeasible": float(random.choice([0.0, 0.2, 1.0])),
        "blind": tuple((float(at), float(at + random.uniform(60, 2 * HOUR))) for at in begins),
        "rollouts": tuple(float(at) for at in random.uniform(0, DAY, int(random.integers(0, 3)))),
    }
    return Nature(**fields)


def reference(scene: Scene) -> Scene:
    """The same with an HPA at the same set-point in absolute terms, and no VPA."""
    assert scene.hpa is not None
    target = scene.hpa["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"]
    point = scene.workload.containers[0].requests["cpu"] * target // 100
    resource = {"name": "cpu", "target": {"type": "AverageValue", "averageValue": f"{point}m"}}
    spec = {**scene.hpa["spec"], "metrics": [{"type": "Resource", "resource": resource}]}
    return msgspec.structs.replace(scene, hpa={**scene.hpa, "spec": spec}, vpa=None)


def played(number: int, step: float) -> tuple[str, Run]:
    """What oscillates in the scene of this number (empty: nothing), and its run."""
    scene = weather(number)
    run = play(scene, "together", seed=number, step=step)
    return oscillation(run, play(reference(scene), "hpa", seed=number, step=step)), run
