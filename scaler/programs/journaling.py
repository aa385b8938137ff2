"""The journal wired to the settings: a folder, or a bucket by the operator's own identity."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from scaler.clock import Clock
from scaler.horizontal.readings import Policy
from scaler.loops.journal.places import Bucket, Folder
from scaler.loops.journal.writer import Journal, Limits
from scaler.settings.operator import Journal as JournalSettings
from scaler.triggers.aws import AwsCaller
from scaler.triggers.connections_aws import Aws

BUCKET_SIZE, BUCKET_AGE = 8 << 20, 300.0
"""A file for a bucket lies in memory until it is whole, so it is a small one, and soon."""
LAST_WORDS = 5.0
"""Seconds that the last file may take."""


@contextlib.asynccontextmanager
async def journaling(
    settings: JournalSettings, aws_endpoint_url: str, *, writer: str, policy: Policy, clock: Clock
) -> AsyncIterator[Journal | None]:
    """The journal, at work; None where none is asked for. At the end what is waiting is written."""
    if not settings.journal:
        yield None
        return
    async with contextlib.AsyncExitStack() as closing:
        limits = Limits(settings.journal_file_size, settings.journal_file_age)
        if settings.journal.startswith("s3://"):
            limits = Limits(min(limits.size, BUCKET_SIZE), min(limits.age, BUCKET_AGE))
            aws = Aws(endpoint_url=aws_endpoint_url)
            closing.push_async_callback(aws.aclose)
            place: Folder | Bucket = _bucket(settings, aws)
        else:
            place = Folder(
                Path(settings.journal),
                size=settings.journal_size,
                age=settings.journal_age,
                file_size=settings.journal_file_size,
                now=clock.now,
            )
        journal = Journal(place, writer=writer, policy=policy, now=clock.now, limits=limits)
        journal.start()
        try:
            yield journal
        finally:
            await asyncio.to_thread(journal.end, LAST_WORDS)


def _bucket(settings: JournalSettings, aws: Aws) -> Bucket:
    name, _, prefix = settings.journal.removeprefix("s3://").partition("/")

    async def put(key: str, data: bytes) -> object:
        caller = AwsCaller(settings.journal_region)
        return await aws.call(caller, "s3", "", "put_object", f"s3://{name}", Bucket=name, Key=key, Body=data)

    return Bucket(put, asyncio.get_running_loop(), prefix)
