"""Which records an observation makes: an object before its first check, and of the rest only what changed. Pure.

It knows what stands in the file so far; a new file begins with a new `Lines`.
"""

from collections.abc import Iterator

import msgspec

from scaler.api.meta import ObjectMeta, Raw
from scaler.api.scaledobject import ScaledObjectStatus
from scaler.history.journal import Check, Look, Record, Snapshot
from scaler.horizontal.conditions import hpa_words
from scaler.horizontal.readings import Failure, Memory, NoScale, Reading, Scale, Subject
from scaler.loops.board import Key
from scaler.loops.objects import judged_annotations


class Observation(msgspec.Struct, frozen=True):
    """One check or look: what went into judgement, and what came of it."""

    key: Key
    at: float
    subject: Subject
    scale: Scale | NoScale
    readings: tuple[Reading | Failure, ...]
    memory: Memory
    """What it was judged with."""
    after: Memory
    """What it led to."""
    hpa: Raw | None = None
    rule: str = ""
    """Empty for a look."""
    replicas: int | None = None
    metric: str = ""
    """Of a look."""


class _Written(msgspec.Struct):
    """What the file says of one object."""

    subject: Subject
    """As it was observed, to be recognised."""
    lean: Subject
    """As it was written."""
    memory: Memory | None = None
    hpa: Raw | None = None
    """As it was observed, to be recognised."""
    words: Raw | None = None
    """As they were written."""


class Lines:
    """The objects of one file."""

    def __init__(self) -> None:
        self._objects: dict[Key, _Written] = {}

    def records(self, seen: Observation) -> Iterator[Record]:
        """What to write for it."""
        name = "/".join(seen.key)
        written = self._objects.get(seen.key)
        if written is None or written.subject is not seen.subject:
            lean = _lean(seen.subject, seen.memory)
            if written is None or not _same(written.lean, lean, seen.memory):
                yield Snapshot(object=name, at=seen.at, subject=lean)
            before = written or _Written(seen.subject, lean)
            written = _Written(seen.subject, lean, before.memory, before.hpa, before.words)
            self._objects[seen.key] = written
        # by identity: as long as nothing was lost, a check is judged with the very memory the one before it made
        memory = msgspec.UNSET if written.memory is seen.memory else seen.memory
        written.memory = seen.after
        if seen.metric:
            yield Look(
                object=name,
                at=seen.at,
                metric=seen.metric,
                scale=seen.scale,
                readings=seen.readings,
                memory=memory,
            )
            return
        yield Check(
            object=name,
            at=seen.at,
            scale=seen.scale,
            readings=seen.readings,
            memory=memory,
            hpa=msgspec.UNSET if seen.hpa is written.hpa else _news(written, seen.hpa),
            rule=seen.rule,
            replicas=seen.replicas,
        )


def _news(written: _Written, hpa: Raw | None) -> Raw | msgspec.UnsetType | None:
    """What the HPA says of itself, if it says something else."""
    before, written.hpa, written.words = written.words, hpa, hpa_words(hpa)
    return msgspec.UNSET if written.words == before else written.words


def _same(written: Subject, now: Subject, memory: Memory) -> bool:
    """Whether judgement cannot tell them apart: only the first check after a start looks at the status."""
    if not _is_first(memory):
        now = msgspec.structs.replace(now, scaled=msgspec.structs.replace(now.scaled, status=written.scaled.status))
    return written == now


def _is_first(memory: Memory) -> bool:
    return memory.active is None or memory.fallback is None


def _lean(subject: Subject, memory: Memory) -> Subject:
    """As much of it as is judged: no labels, no annotation of somebody else's, its conditions if they are asked."""
    meta = subject.scaled.metadata
    lean = ObjectMeta(
        name=meta.name,
        namespace=meta.namespace,
        uid=meta.uid,
        generation=meta.generation,
        annotations=judged_annotations(meta),
        creation_timestamp=meta.creation_timestamp,
    )
    status = ScaledObjectStatus(conditions=subject.scaled.status.conditions if _is_first(memory) else ())
    scaled = msgspec.structs.replace(subject.scaled, metadata=lean, status=status)
    return msgspec.structs.replace(subject, scaled=scaled)
