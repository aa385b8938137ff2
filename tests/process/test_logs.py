import io
import json
import logging
import warnings

import pytest

from scaler.process import logs


@pytest.fixture(autouse=True)
def _as_before():
    root, own = logging.root, logging.getLogger("scaler")
    before = (root.handlers[:], root.level, own.level)
    yield
    root.handlers[:], _, _ = before
    root.setLevel(before[1])
    own.setLevel(before[2])
    logging.captureWarnings(capture=False)


def lines(form, say, level="info"):
    stream = io.StringIO()
    logs.configure(form, level, stream)
    say(logging.getLogger("scaler.checks"))
    return stream.getvalue().splitlines()


def test_a_line_is_one_json_object_with_what_the_call_gave():
    (line,) = lines(
        "json", lambda log: log.info("set %d", 3, extra={"namespace": "shop", "name_": "web", "rule": "activate"})
    )
    read = json.loads(line)
    assert list(read) == ["ts", "level", "logger", "msg", "namespace", "name", "rule"]
    assert (read["level"], read["logger"], read["msg"]) == ("info", "scaler.checks", "set 3")
    assert (read["namespace"], read["name"], read["rule"]) == ("shop", "web", "activate")
    assert len(read["ts"]) == len("2026-01-31T08:00:00.000Z")


def test_values_that_json_does_not_know_are_spelt():
    (line,) = lines("json", lambda log: log.info("x", extra={"error": ValueError("no"), "names": {"a"}, "n": 1.5}))
    read = json.loads(line)
    assert (read["error"], read["names"], read["n"]) == ("no", ["a"], 1.5)


def test_an_exception_stays_on_its_line():
    def fail(log):
        try:
            {}["gone"]
        except KeyError:
            log.exception("failed")

    (line,) = lines("json", fail)
    assert "KeyError: 'gone'" in json.loads(line)["exception"]


def test_a_person_reads_one_plain_line():
    (line,) = lines("text", lambda log: log.warning("slow", extra={"namespace": "shop", "name_": "web"}))
    assert line.endswith("WARNING scaler.checks: slow namespace=shop name=web")


def test_the_level_changes_while_the_program_runs():
    stream = io.StringIO()
    logs.configure("json", "info", stream)
    log = logging.getLogger("scaler.feed")
    log.debug("one")
    logs.set_level("debug")
    log.debug("two")
    logs.set_level("error")
    log.warning("three")
    assert [json.loads(line)["msg"] for line in stream.getvalue().splitlines()] == ["two"]


def test_libraries_say_warnings_only():
    stream = io.StringIO()
    logs.configure("json", "debug", stream)
    logging.getLogger("kopf.objects").info("chatter")
    logging.getLogger("aiohttp.access").warning("trouble")
    assert [json.loads(line)["msg"] for line in stream.getvalue().splitlines()] == ["trouble"]


def test_configuring_twice_does_not_say_things_twice():
    stream = io.StringIO()
    logs.configure("text", "info", io.StringIO())
    logs.configure("text", "info", stream)
    logging.getLogger("scaler").info("once")
    assert len(stream.getvalue().splitlines()) == 1


def test_warnings_of_python_are_log_lines():
    stream = io.StringIO()
    logs.configure("json", "info", stream)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old", FutureWarning, stacklevel=1)
    assert "FutureWarning: old" in json.loads(stream.getvalue())["msg"]


def test_debug_can_be_switched_on_and_off_again():
    stream = io.StringIO()
    logs.configure("json", "warning", stream)
    log = logging.getLogger("scaler.feed")
    logs.toggle_debug()
    log.debug("one")
    logs.toggle_debug()
    log.info("two")
    log.warning("three")
    said = [json.loads(line)["msg"] for line in stream.getvalue().splitlines()]
    assert said == ["log level: debug", "one", "three"]
