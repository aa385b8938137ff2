"""What a test does when something it needs is not to be had on this machine."""

import os
from typing import NoReturn

import pytest


class Absent(Exception):
    """A server or tool cannot be had here; the message says which, why, and what would help."""


def unavailable(why: object) -> NoReturn:
    """The test says so: a failure where CI=true, a loud skip elsewhere."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(str(why), pytrace=False)
    pytest.skip(str(why))
