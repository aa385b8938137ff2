import asyncio
import logging

import pytest

from scaler.serving import listener as module
from scaler.serving.listener import Listener, refusal, response


class Served:
    """A listener over plain TCP whose requests are kept."""

    def __init__(self, answer=None, longest_body=0):
        self.requests = []
        self._longest_body = longest_body
        self._answer = answer or (lambda request: response(200, request.target.encode(), "text/plain"))

    def handle(self, request):
        self.requests.append(request)
        return self._answer(request)

    async def __aenter__(self):
        self.listener = Listener(self.handle, self._longest_body)
        self.port = await self.listener.start("127.0.0.1", 0, None)
        return self

    async def __aexit__(self, *_):
        await self.listener.close(patience=1)

    async def send(self, *parts, pause=0.0):
        """What comes back for these bytes until the server has no more to say."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(pause)
            return await asyncio.wait_for(reader.read(), 5)
        finally:
            writer.close()
            await writer.wait_closed()


def get(path, *lines, version="1.1"):
    return "".join(f"{line}\r\n" for line in (f"GET {path} HTTP/{version}", "Host: x", *lines, "")).encode()


LAST = "Connection: close"


async def test_a_question_is_answered_and_the_connection_kept():
    async with Served() as served:
        came = await served.send(get("/a"), get("/b", LAST), pause=0.05)
    assert came.count(b"HTTP/1.1 200 OK") == 2
    assert came.endswith(b"/b")
    assert b"\r\nContent-Length: 2\r\n\r\n/a" in came
    assert b"Connection: close" in came.split(b"/a", 1)[1]


async def test_headers_keep_their_order_and_lose_their_case():
    async with Served() as served:
        await served.send(get("/a?b=c%20d", "X-Remote-Group: one", "x-remote-GROUP:  two  ", LAST))
    request = served.requests[0]
    assert request.target == "/a?b=c%20d"
    assert request.headers[1:3] == [("x-remote-group", "one"), ("x-remote-group", "two")]
    assert request.caller.certificate is None


async def test_a_request_may_come_in_pieces():
    async with Served() as served:
        pieces = [bytes([byte]) for byte in get("/a", LAST)]
        assert (await served.send(*pieces)).endswith(b"\r\n\r\n/a")
    assert len(served.requests) == 1


async def test_pipelined_questions_are_answered_in_order_though_the_first_takes_time():
    async def slowly(request):
        await asyncio.sleep(0.05)
        return response(200, b"slow " + request.target.encode())

    def answer(request):
        return slowly(request) if request.target == "/1" else response(200, b"fast " + request.target.encode())

    async with Served(answer) as served:
        came = await served.send(get("/1") + get("/2") + get("/3", LAST))
    assert [line for line in came.split() if line.startswith(b"/")] == [b"/1HTTP/1.1", b"/2HTTP/1.1", b"/3"]


async def test_head_gets_no_body():
    async with Served() as served:
        came = await served.send(get("/abc", LAST).replace(b"GET", b"HEAD"))
    assert came.endswith(b"\r\n\r\n")
    assert b"Content-Length: 4" in came


async def test_an_old_client_gets_one_answer():
    async with Served() as served:
        assert (await served.send(get("/a", version="1.0"))).endswith(b"/a")
        came = await served.send(get("/a", "Connection: keep-alive", version="1.0"), get("/b", LAST), pause=0.02)
    assert came.count(b"200 OK") == 2


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"hello\r\n\r\n", 400),
        (b"GET /a\r\n\r\n", 400),
        (b"GET http://x/a HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /a HTTP/2.0\r\nHost: x\r\n\r\n", 400),
        (b"GET /a HTTP/1.1\r\nBad Name: x\r\n\r\n", 400),
        (b"GET /a HTTP/1.1\r\nA: x\r\n folded\r\n\r\n", 400),
        (b"GET /a HTTP/1.1\r\nA : x\r\n\r\n", 400),
        (b"GET /a HTTP/1.1\r\nA: x\rB: y\r\n\r\n", 400),
        (b"GET /a HTTP/1.1\r\nA: x\nB: y\r\n\r\n", 400),
        (b"GET /a HTTP/1.1\r\nA: x\0\r\n\r\n", 400),
        (b"GET /a HTTP/1.1\r\nA: \xff\r\n\r\n", 400),
        (b"GET /\xc3\xa4 HTTP/1.1\r\n\r\n", 400),
        (b"POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}", 405),
        (b"GET /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 405),
        (b"GET /a HTTP/1.1\r\nA: " + b"x" * 70_000, 431),
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400),
    ],
)
async def test_what_is_not_a_plain_question_ends_the_connection(sent, status):
    async with Served() as served:
        came = await served.send(sent)
    assert came.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"Connection: close" in came
    assert b'"kind":"Status"' in came
    assert served.requests == []


def post(body, *lines, length=None):
    head = (f"POST /a HTTP/1.1\r\nContent-Length: {len(body) if length is None else length}\r\n").encode()
    return head + "".join(f"{line}\r\n" for line in (*lines, "")).encode() + body


def echo(request):
    return response(200, request.body)


async def test_a_body_is_read_where_it_is_asked_for():
    async with Served(echo, longest_body=10) as served:
        came = await served.send(post(b"0123456789") + post(b"abc") + post(b"", LAST))
    assert [request.body for request in served.requests] == [b"0123456789", b"abc", b""]
    assert came.count(b"200 OK") == 3


@pytest.mark.parametrize("size", [1, 7, 5000])
async def test_a_body_may_come_in_pieces_with_the_next_question_behind_it(size):
    body = bytes(range(256)) * 40
    whole = post(body) + post(b"next", LAST)
    async with Served(echo, longest_body=20_000) as served:
        await served.send(*(whole[at : at + size] for at in range(0, len(whole), size)))
    assert [request.body for request in served.requests] == [body, b"next"]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (post(b"01234567890"), 413),
        (post(b"", length="-1"), 400),
        (post(b"", length="9" * 19), 400),
        (post(b"ab", "Content-Length: 3"), 400),
        (b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 411),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused(sent, status):
    async with Served(echo, longest_body=10) as served:
        came = await served.send(sent)
    assert came.startswith(f"HTTP/1.1 {status} ".encode())
    assert served.requests == []


async def test_a_body_that_is_cut_off_asks_nothing(monkeypatch):
    monkeypatch.setattr(module, "HALF_SENT", 0.05)
    async with Served(echo, longest_body=10) as served:
        assert await served.send(post(b"01234", length=10)) == b""
    assert served.requests == []


async def test_a_bug_costs_one_answer(caplog):
    async def broken_later(_):
        raise KeyError("later")

    def answer(request):
        if request.target == "/now":
            raise KeyError("now")
        return broken_later(request) if request.target == "/later" else response(200, b"fine")

    async with Served(answer) as served:
        with caplog.at_level(logging.ERROR):
            came = await served.send(get("/now"), get("/later"), get("/fine", LAST), pause=0.02)
    assert came.count(b"500 Internal Server Error") == 2
    assert came.endswith(b"fine")
    assert [record.exc_info[1].args[0] for record in caplog.records] == ["now", "later"]


async def test_who_leaves_takes_his_question_along():
    cancelled = asyncio.Event()

    async def forever(_):
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()

    async with Served(forever) as served:
        _, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(get("/a"))
        await asyncio.sleep(0.05)
        writer.transport.abort()
        await asyncio.wait_for(cancelled.wait(), 5)
        assert not served.listener.conversations


async def test_closing_lets_the_answer_under_way_be_given():
    release = asyncio.Event()

    async def wait(_):
        await release.wait()
        return response(200, b"given")

    async with Served(wait) as served:
        asking = asyncio.create_task(served.send(get("/a")))
        idle_reader, idle_writer = await asyncio.open_connection("127.0.0.1", served.port)
        await asyncio.sleep(0.05)
        closing = asyncio.create_task(served.listener.close(patience=5))
        assert await asyncio.wait_for(idle_reader.read(), 5) == b""
        release.set()
        assert (await asking).endswith(b"given")
        await closing
        idle_writer.close()
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", served.port)


async def test_the_silent_are_sent_away(monkeypatch):
    monkeypatch.setattr(module, "HALF_SENT", 0.05)
    monkeypatch.setattr(module, "IDLE", 0.4)
    async with Served() as served:
        start = asyncio.get_running_loop().time()
        half, half_writer = await asyncio.open_connection("127.0.0.1", served.port)
        half_writer.write(b"GET /a HTTP/1.1\r\n")
        idle, idle_writer = await asyncio.open_connection("127.0.0.1", served.port)
        assert await asyncio.wait_for(half.read(), 5) == b""
        assert idle_writer.transport.is_closing() is False
        assert await asyncio.wait_for(idle.read(), 5) == b""
        assert asyncio.get_running_loop().time() - start >= 0.4
        half_writer.close()
        idle_writer.close()


async def test_who_does_not_read_his_answers_is_not_heard():
    async with Served(lambda _: response(200, b"x" * 1_000_000)) as served:
        _, writer = await asyncio.open_connection("127.0.0.1", served.port)
        for _ in range(200):
            writer.write(get("/a"))
            await asyncio.sleep(0.001)
        assert len(served.requests) < 100
        writer.transport.abort()


def test_an_error_has_the_shape_kubernetes_gives_it():
    came = refusal(401, "Unauthorized", "Unauthorized")
    assert came.startswith(b"HTTP/1.1 401 Unauthorized\r\n")
    assert b"WWW-Authenticate: Bearer" in came
    assert came.endswith(
        b'{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"Unauthorized",'
        b'"reason":"Unauthorized","code":401}'
    )
