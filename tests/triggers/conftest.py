"""Connections for each test, closed at its end."""

from collections.abc import AsyncIterator

import pytest

from scaler.triggers.connections import Connections
from tests.triggers.building import NOW


@pytest.fixture
async def io() -> AsyncIterator[Connections]:
    async with Connections(now=lambda: NOW) as connections:
        yield connections
