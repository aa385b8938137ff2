"""What the programs say, and how: JSON lines for machines, plain lines for a person. Levels change while it runs."""

import logging
import sys
import time
from typing import Any, Literal, TextIO

import msgspec

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What every record has; everything else was given by `extra`."""


_configured = ["info"]
"""The level that was asked for at the start."""


class JsonLines(logging.Formatter):
    """One object a line: ts, level, logger, msg, and whatever the call gave by `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "ts": _timestamp(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "msg": record.getMessage(),
            **given(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


class PlainLines(logging.Formatter):
    """Time, level, logger, message, then what was given as name=value."""

    def format(self, record: logging.LogRecord) -> str:
        about = "".join(f" {name}={value}" for name, value in given(record).items())
        at = time.strftime("%H:%M:%S", time.localtime(record.created))
        line = f"{at} {record.levelname:<7} {record.name}: {record.getMessage()}{about}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def configure(
    form: Literal["json", "text"] = "json", level: str = "info", stream: TextIO | None = None
) -> logging.Handler:
    """Send everything that is logged to `stream` (standard error), in place of what was configured before."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else PlainLines())
    logging.root.handlers[:] = [handler]
    _configured[:] = [level]
    set_level(level)
    logging.captureWarnings(capture=True)
    return handler


def set_level(level: str) -> None:
    """The least severe that is said from now on; libraries say warnings and worse only."""
    logging.root.setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))
    logging.getLogger("scaler").setLevel(level.upper())


def toggle_debug() -> None:
    """Everything is said from now on, or again only what was configured: SIGUSR1 of a running program."""
    (level,) = _configured
    level = level if logging.getLogger("scaler").level == logging.DEBUG else "debug"
    set_level(level)
    logging.getLogger("scaler.process").info("log level: %s", level)


def given(record: logging.LogRecord) -> dict[str, Any]:
    """What the call gave by `extra`; a trailing underscore keeps a name apart from the record's own."""
    return {name.rstrip("_"): value for name, value in vars(record).items() if name not in _OWN}


def _timestamp(epoch: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(epoch)) + f".{int(epoch % 1 * 1000):03d}Z"
