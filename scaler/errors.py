"""The error tree, and how errors of others are put into words.

::

    ScalerError
    ├── Invalid      the user wrote it wrong: every problem, each at its path
    ├── Unreadable   a trigger could not be read now; a loop turns it into a `Failure`, never into a zero
    └── ApiError     Kubernetes said no

Bugs are not in the tree: they are not caught.
"""

import re

import msgspec

_ADDRESS = re.compile(r" ssl:(?:<[^>]*>|\w+)")
"""What aiohttp adds to an address: where in memory its SSL context lies, another place after each start."""


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong with what a user wrote."""

    path: str
    """Where, as in ``spec.triggers[0].metadata.queueURL``; empty for the whole."""
    message: str
    """What is wrong, and what would be right."""
    value: object = None
    """What stands there, when that helps."""

    @property
    def words(self) -> str:
        """The message, with the value where it does not tell that already."""
        value = self.value
        if isinstance(value, bool) or not isinstance(value, str | int | float) or value == "":
            return self.message
        return self.message if f"{value}" in self.message else f"{self.message} (it is {value!r})"

    def __str__(self) -> str:
        return f"{self.path}: {self.words}" if self.path else self.words


class ScalerError(Exception):
    """Everything below that is expected to happen in a healthy program."""


class Invalid(ScalerError):
    """What the user wrote cannot work; carries every problem found, not only the first."""

    def __init__(self, problems: "list[Problem] | tuple[Problem, ...]") -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class Unreadable(ScalerError):
    """A source could not be read: `why` for a person, `retry_after` in seconds if the source asked for it."""

    def __init__(self, why: str, retry_after: float | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.retry_after = retry_after


class ApiError(ScalerError):
    """The API server refused a call: HTTP `status`, Kubernetes' `reason`, and its own words."""

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        retry_after: float | None = None,
        causes: tuple[str, ...] = (),
    ) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.causes = causes
        """Reasons of the details, such as DisruptionBudget of a refused eviction."""
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after


def said(error: BaseException) -> str:
    """What an error of a client library says, never empty, and the same whenever it says the same."""
    return _ADDRESS.sub("", str(error)) or type(error).__name__
