import asyncio

from scaler.loops import workqueue
from scaler.loops.workqueue import WorkQueue


def queue_of(work, workers=2):
    errors = []
    return WorkQueue(work, lambda key, error: errors.append((key, str(error))), workers=workers), errors


async def test_a_key_added_many_times_is_worked_on_once():
    seen = []

    async def work(key):
        seen.append(key)

    queue, _ = queue_of(work)
    for _ in range(5):
        queue.add("a")
    queue.start()
    await queue.calm()
    await queue.stop()
    assert seen == ["a"]


async def test_a_key_added_while_it_is_worked_on_is_worked_on_once_more():
    seen = []

    async def work(key):
        seen.append(key)
        if len(seen) == 1:
            queue.add(key)
            queue.add(key)

    queue, _ = queue_of(work)
    queue.add("a")
    queue.start()
    await queue.calm()
    await queue.stop()
    assert seen == ["a", "a"]


async def test_one_key_is_never_worked_on_by_two_workers():
    together = 0
    most = 0

    async def work(_):
        nonlocal together, most
        together += 1
        most = max(most, together)
        await asyncio.sleep(0.01)
        together -= 1

    queue, _ = queue_of(work, workers=4)
    queue.start()
    for _ in range(4):
        queue.add("a")
        await asyncio.sleep(0.004)
    await queue.calm()
    await queue.stop()
    assert most == 1


async def test_a_failing_key_is_retried_and_does_not_stop_the_others(monkeypatch):
    monkeypatch.setattr(workqueue, "FIRST_RETRY", 0.01)
    attempts = []
    done = asyncio.Event()

    async def work(key):
        attempts.append(key)
        if key == "bad" and attempts.count("bad") < 3:
            raise ValueError("no")
        if attempts.count("bad") == 3:
            done.set()

    queue, errors = queue_of(work)
    queue.add("bad")
    queue.add("good")
    queue.start()
    await asyncio.wait_for(done.wait(), 5)
    await queue.stop()
    assert attempts.count("good") == 1
    assert errors == [("bad", "no"), ("bad", "no")]


async def test_a_forgotten_key_is_not_retried(monkeypatch):
    monkeypatch.setattr(workqueue, "FIRST_RETRY", 0.01)
    attempts = []

    async def work(key):
        attempts.append(key)
        raise ValueError("no")

    queue, _ = queue_of(work)
    queue.add("a")
    queue.start()
    await queue.calm()
    queue.forget("a")
    await asyncio.sleep(0.05)
    await queue.stop()
    assert attempts == ["a"]


async def test_work_may_ask_to_be_looked_at_again():
    seen = asyncio.Queue()

    async def work(key):
        await seen.put(key)
        return 0.01

    queue, _ = queue_of(work)
    queue.add("a")
    queue.start()
    await asyncio.wait_for(seen.get(), 5)
    await asyncio.wait_for(seen.get(), 5)
    await queue.stop()
