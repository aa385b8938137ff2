"""Everything that a check touches, in memory."""

from scaler.horizontal.readings import Memory, Policy, Scale, Subject
from scaler.loops.board import Board
from scaler.loops.checks import Checks
from scaler.loops.objects import Objects, Tracked
from scaler.loops.sources import Sources
from scaler.triggers.built import Answer, build
from scaler.triggers.contract import BuildContext
from tests.horizontal.objects import DEPLOYMENT, NOW, scaled_object

URL = {"valueLocation": "v", "targetValue": "5"}


class World:
    """Everything a check touches, in memory: sources by URL, one workload, hands that note what they are told."""

    def __init__(self):
        self.now_ = NOW
        self.values = {}
        self.replicas = 1
        self.asked = []
        self.done, self.told, self.rebuilt = [], [], []
        self.refuse = None
        self.on_rebuild = lambda: None
        self.objects, self.board = Objects(), Board()
        self.checks = Checks(
            objects=self.objects,
            board=self.board,
            sources=Sources(self.now),
            ask=self.ask,
            rebuild=self.rebuild,
            scales=self,
            hands=self,
            tell=self.told.append,
            policy=Policy(),
            clock=self,
        )

    def now(self):
        return self.now_

    async def ask(self, trigger):
        self.asked.append(trigger.plan.index)
        value = self.values[trigger.plan.index]
        return Answer(None, why=value) if isinstance(value, str) else Answer(value)

    async def rebuild(self, tracked, failed):
        self.rebuilt.append(tuple(failed))
        self.on_rebuild()

    async def read(self, subject, *, ready):
        return Scale(self.replicas, self.replicas if ready else None)

    async def carry_out(self, action, why=""):
        if self.refuse:
            raise self.refuse
        self.done.append(action)
        self.replicas = action.replicas

    def add(self, *metadata, **spec):
        triggers = [
            {"type": "metrics-api", "metadata": {"url": f"http://x/{index}", **URL, **more}}
            for index, more in enumerate(metadata or [{}])
        ]
        for index, entry in enumerate(triggers):
            cached = entry["metadata"].pop("cached", None)
            if cached:
                triggers[index] = {**entry, "useCachedMetrics": True}
        scaled = scaled_object(triggers=triggers, **spec)
        tracked = Tracked(scaled, Memory())
        context = BuildContext(namespace="shop", name="web")
        tracked.triggers = tuple(build(index, entry, context) for index, entry in enumerate(scaled.spec.triggers))
        assert not any(one.plan.problem for one in tracked.triggers)
        tracked.subject = Subject(tracked.scaled, tuple(one.plan for one in tracked.triggers), DEPLOYMENT)
        self.objects.add(tracked)
        return tracked
