"""Disruption budgets as their user writes them: the annotation's or flag's JSON list, in Karpenter's words.

Read once, every problem at its path. What they allow is judged in `scaler.vertical.windows`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import msgspec

from scaler.errors import Invalid, Problem
from scaler.schedule import Schedule, parse_schedule

Reason = Literal["Undersized", "Oversized", "Drifted", "OutOfMemory"]
"""Why a pod would be moved: it has too little, or too much, or is far from its target though within the range, or was
killed for memory soon after its start."""
REASONS: tuple[Reason, ...] = get_args(Reason)

_SHARE = re.compile(r"(?P<number>[0-9]{1,9})(?P<percent>%?)", re.ASCII)
_SPAN = re.compile(r"(?:(?P<hours>[0-9]{1,5})h)?(?:(?P<minutes>[0-9]{1,5})m)?(?:0s)?", re.ASCII)
_MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_FIELDS = ("pods", "schedule", "duration", "reasons")


class Budget(msgspec.Struct, frozen=True):
    """How many pods of one VerticalPodAutoscaler may be on the move at once."""

    number: int
    percent: bool = False
    """Whether the number is a part of all its pods."""
    schedule: Schedule | None = None
    """When it counts; always when None."""
    duration: float = 0.0
    """Seconds from each occurrence on."""
    reasons: tuple[Reason, ...] = REASONS


def budgets_of(text: str, path: str = "") -> tuple[Budget, ...]:
    """Read the JSON list of an annotation or a flag; Invalid with every problem at its path."""
    try:
        found = msgspec.json.decode(text) if text.strip() else []
    except msgspec.DecodeError as error:
        raise Invalid([Problem(path, f"is no JSON list of budgets: {error}", text)]) from None
    if not isinstance(found, list):
        raise Invalid([Problem(path, "must be a JSON list of budgets", text)])
    problems: list[Problem] = []
    budgets = [_budget(one, f"{path}[{index}]", problems) for index, one in enumerate(found)]
    if problems:
        raise Invalid(problems)
    return tuple(budgets)


def _budget(raw: Any, at: str, problems: list[Problem]) -> Budget:
    if not isinstance(raw, dict):
        problems.append(Problem(at, f"must be an object with {', '.join(_FIELDS)}", raw))
        return Budget(0)
    problems += [
        Problem(f"{at}.{name}", f"is not known: known are {', '.join(_FIELDS)}")
        for name in raw
        if name not in _FIELDS
    ]
    number, percent = _share(raw, at, problems)
    schedule, duration = _window(raw, at, problems)
    return Budget(number, percent, schedule, duration, _reasons(raw, at, problems))


def _share(raw: Mapping[str, Any], at: str, problems: list[Problem]) -> tuple[int, bool]:
    match = _SHARE.fullmatch(str(raw.get("pods", "")))
    number, percent = (int(match["number"]), bool(match["percent"])) if match else (0, False)
    if match is None or (percent and number > 100):
        problems.append(
            Problem(f"{at}.pods", 'must be a number of pods or a part of them, such as "2" or "10%"', raw.get("pods"))
        )
    return number, percent


def _window(raw: Mapping[str, Any], at: str, problems: list[Problem]) -> tuple[Schedule | None, float]:
    text, span = raw.get("schedule"), raw.get("duration")
    if (text is None) != (span is None):
        missing = "schedule" if text is None else "duration"
        problems.append(Problem(f"{at}.{missing}", "is needed: schedule and duration go together"))
    return _schedule(text, at, problems), _duration(span, at, problems)


def _schedule(text: Any, at: str, problems: list[Problem]) -> Schedule | None:
    if text is None:
        return None
    try:
        return parse_schedule(_MACROS.get(str(text).strip().lower(), str(text)))
    except ValueError as error:
        problems.append(Problem(f"{at}.schedule", str(error)))
        return None


def _duration(text: Any, at: str, problems: list[Problem]) -> float:
    if text is None:
        return 0.0
    match = _SPAN.fullmatch(str(text))
    seconds = int(match["hours"] or 0) * 3600 + int(match["minutes"] or 0) * 60 if match else 0
    if not seconds:
        problems.append(Problem(f"{at}.duration", "must be hours and minutes, such as 8h or 1h30m", text))
    return float(seconds)


def _reasons(raw: Mapping[str, Any], at: str, problems: list[Problem]) -> tuple[Reason, ...]:
    found: Any = raw.get("reasons")
    if found is None:
        return REASONS
    named: Sequence[Any] = found if isinstance(found, list) else [found]
    problems += [
        Problem(f"{at}.reasons[{index}]", f"must be one of {', '.join(REASONS)}", one)
        for index, one in enumerate(named)
        if one not in REASONS
    ]
    return tuple(reason for reason in REASONS if reason in named)
