"""What every command promises: its exit codes, and words instead of tracebacks for what is expected to go wrong."""

from collections.abc import Callable
from typing import Any

import click

from scaler.errors import ApiError, Invalid, ScalerError

WRONG_INPUT, WRONG_CALL, FAILED, INTERRUPTED = 1, 2, 3, 130

EXIT_CODES = """\b
Exit codes:
  0  done
  1  what you gave me to work on is wrong (a manifest, a configuration file)
  2  you called me wrongly (a flag, a variable, an argument)
  3  it could not be done now (no cluster, no answer, no right to)
"""


def guarded(run: Callable[..., int]) -> Callable[..., int]:
    """What is expected to go wrong becomes words and an exit code; bugs keep their traceback."""

    def called(*args: Any, **kwargs: Any) -> int:
        try:
            return run(*args, **kwargs) or 0
        except Invalid as wrong:
            _complain(*map(str, wrong.problems))
            return WRONG_INPUT
        except ApiError as refused:
            _complain(f"the API server said no: {refused}")
            return FAILED
        except (ScalerError, OSError) as failed:
            _complain(str(failed) or type(failed).__name__)
            return FAILED
        except KeyboardInterrupt:
            return INTERRUPTED

    return called


def _complain(*lines: str) -> None:
    for line in lines:
        click.echo(f"Error: {line}", err=True)
