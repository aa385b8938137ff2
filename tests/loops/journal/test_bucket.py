"""A bucket: files go there when they are whole, wait while it is gone, and give way when it stays gone."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from scaler.clock import SystemClock
from scaler.history.journal import Check
from scaler.history.records import records
from scaler.horizontal.readings import Memory, Policy, Reading, Scale
from scaler.loops.journal import places
from scaler.loops.journal import writer as writers
from scaler.loops.journal.lines import Observation
from scaler.loops.journal.places import UNSENT, Bucket
from scaler.loops.journal.writer import Journal, Limits
from scaler.programs.journaling import journaling
from scaler.settings.operator import Journal as JournalSettings
from tests.horizontal.objects import NOW, subject
from tests.processes import wait_until
from tests.servers.aws import Aws

SUBJECT = subject()


def seen(number: int) -> Observation:
    reading = Reading(0, "s0-queue", float(number), number > 0, NOW + number)
    return Observation(("shop", "web"), NOW + number, SUBJECT, Scale(3), (reading,), Memory(), Memory(), rule="idle")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writers, "PAUSE", 0.05)
    monkeypatch.setattr(places, "AGAIN", 0.1)


@pytest.fixture
def aws(aws_server: Aws, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    aws_server.reset()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    yield aws_server
    aws_server.reset()


@pytest.fixture
async def writing(aws: Aws) -> AsyncIterator[Journal]:
    settings = JournalSettings(journal="s3://journals/of/ours", journal_file_age=1.0, journal_region=aws.region)
    async with journaling(settings, aws.url, writer="pod-1", policy=Policy(), clock=SystemClock()) as journal:
        assert journal is not None
        yield journal


def kept(aws: Aws) -> dict[str, list[int]]:
    """Numbers by key."""
    s3 = aws.client("s3")
    try:
        found = {}
        for about in s3.list_objects_v2(Bucket="journals").get("Contents", []):
            data = s3.get_object(Bucket="journals", Key=about["Key"])["Body"].read()
            found[about["Key"]] = [int(one.readings[0].value) for one in records(data) if isinstance(one, Check)]
        return found
    finally:
        s3.close()


def make_bucket(aws: Aws) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="journals", CreateBucketConfiguration={"LocationConstraint": aws.region})
    s3.close()


async def until(holds: Callable[[], object], what: str) -> None:
    await asyncio.to_thread(wait_until, holds, what, 60.0)


async def test_files_that_are_whole_lie_in_the_bucket_below_the_prefix(aws: Aws, writing: Journal) -> None:
    make_bucket(aws)
    for number in range(500):
        writing.observe(seen(number))
    await until(lambda: kept(aws), "a file")
    ((key, numbers),) = kept(aws).items()
    assert key.startswith("of/ours/scaler-")
    assert numbers == list(range(500))


async def test_a_bucket_that_is_gone_is_told_with_its_remedy_and_gets_everything_when_it_is_back(
    aws: Aws, writing: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    for number in range(500):
        writing.observe(seen(number))
    await until(lambda: writing.trouble, "the trouble")
    assert "NoSuchBucket" in writing.trouble
    assert "see whether the bucket's name and region are right" in writing.trouble
    for number in range(500, 600):
        writing.observe(seen(number))
    make_bucket(aws)
    await until(lambda: sum(map(len, kept(aws).values())) == 600, "everything")
    assert sorted(number for numbers in kept(aws).values() for number in numbers) == list(range(600))
    assert writing.counts.lost == 0
    assert [record.message for record in caplog.records if record.name == "scaler.journal"] == [
        "the journal cannot be written now; judging goes on without it",
        "the journal is written again",
    ]


async def test_a_bucket_that_stays_away_costs_the_oldest_files_and_they_are_counted() -> None:
    async def put(key: str, data: bytes) -> object:
        raise places.Unreadable("it is gone")

    bucket = Bucket(put, asyncio.get_running_loop())
    moments = iter(range(0, 10_000_000, 10))
    writing = Journal(
        bucket, writer="pod-1", policy=Policy(), now=lambda: NOW + next(moments), limits=Limits(age=5.0)
    )

    def play() -> None:
        for number in range(UNSENT + 3):
            writing.observe(seen(number))
            writing._turn()

    await asyncio.to_thread(play)
    await asyncio.to_thread(writing._turn)
    assert writing.counts.lost == 3
    assert writing.trouble == "it is gone"


async def test_the_last_file_is_sent_at_the_end(aws: Aws) -> None:
    make_bucket(aws)
    settings = JournalSettings(journal="s3://journals", journal_region=aws.region)
    async with journaling(settings, aws.url, writer="pod-1", policy=Policy(), clock=SystemClock()) as journal:
        assert journal is not None
        journal.observe(seen(7))
    assert list(kept(aws).values()) == [[7]]
