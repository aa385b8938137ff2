import asyncio

import pytest

from scaler.loops.sources import Sources


class Source:
    def __init__(self):
        self.questions = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self):
        self.questions += 1
        await self.gate.wait()
        return self.questions


async def test_questions_at_the_same_time_become_one():
    sources, source = Sources(lambda: 0.0), Source()
    source.gate.clear()
    asking = [asyncio.create_task(sources.ask("q", source)) for _ in range(5)]
    await asyncio.sleep(0)
    source.gate.set()
    assert {asked.answer for asked in await asyncio.gather(*asking)} == {1}
    assert source.questions == 1
    assert (sources.asked, sources.saved) == (1, 4)


async def test_different_sources_are_asked_each():
    sources, source = Sources(lambda: 0.0), Source()
    await asyncio.gather(sources.ask("q", source), sources.ask("r", source))
    assert source.questions == 2


async def test_no_more_questions_are_under_way_than_allowed_and_the_others_wait_their_turn():
    sources, source = Sources(lambda: 0.0, limit=2), Source()
    source.gate.clear()
    asking = [asyncio.create_task(sources.ask(number, source)) for number in range(5)]
    await asyncio.sleep(0)
    assert source.questions == 2
    source.gate.set()
    await asyncio.gather(*asking)
    assert source.questions == 5


async def test_two_users_share_an_answer_of_their_interval_and_ask_anew_after_it():
    now = 100.0
    sources, source = Sources(lambda: now), Source()
    sources.use("q")
    sources.use("q")
    first = await sources.ask("q", source, max_age=30)
    now = 110.0
    assert await sources.ask("q", source, max_age=30) == first
    now = 130.0
    assert (await sources.ask("q", source, max_age=30)).answer == 2


async def test_a_fresh_question_is_never_answered_from_memory():
    sources, source = Sources(lambda: 0.0), Source()
    sources.use("q")
    sources.use("q")
    await sources.ask("q", source)
    assert (await sources.ask("q", source)).answer == 2


async def test_a_single_user_keeps_nothing_in_memory():
    sources, source = Sources(lambda: 0.0), Source()
    sources.use("q")
    await sources.ask("q", source, max_age=30)
    assert (await sources.ask("q", source, max_age=30)).answer == 2


async def test_a_cancelled_question_is_asked_by_the_next_in_line():
    sources, source = Sources(lambda: 0.0), Source()
    source.gate.clear()
    first = asyncio.create_task(sources.ask("q", source))
    await asyncio.sleep(0)
    second = asyncio.create_task(sources.ask("q", source))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    source.gate.set()
    assert (await second).answer == 2


async def test_an_answer_is_forgotten_with_its_last_users():
    sources, source = Sources(lambda: 0.0), Source()
    for _ in range(2):
        sources.use("q")
    await sources.ask("q", source, max_age=30)
    for _ in range(2):
        sources.leave("q")
    assert not sources._last
    assert not sources._users
