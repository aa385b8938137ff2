"""Connections for each test, closed at its end, and an HTTP endpoint to read."""

from collections.abc import AsyncIterator

import pytest

from scaler.triggers.connections import Connections
from tests.triggers.building import NOW
from tests.triggers.endpoint import Endpoint


@pytest.fixture
async def io() -> AsyncIterator[Connections]:
    async with Connections(now=lambda: NOW) as connections:
        yield connections


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    async with Endpoint() as served:
        yield served
