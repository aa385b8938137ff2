"""How errors of others are put into words."""

import ssl

import aiohttp
import pytest

from scaler.errors import said


async def test_a_refused_connection_is_told_in_the_same_words_after_each_start():
    """aiohttp shows its SSL context, which lies elsewhere in memory each time: a message would be new again and again."""
    words = set()
    for _ in range(2):
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientConnectorError) as refused:
                await session.get("https://127.0.0.1:9/", ssl=ssl.create_default_context())
        words.add(said(refused.value))
    (only,) = words
    assert "127.0.0.1:9" in only
    assert "0x" not in only


def test_an_error_without_words_is_told_by_its_name():
    assert said(TimeoutError()) == "TimeoutError"
