"""The Prometheuses of the history's tests."""

from tests.history.conftest import barely_watched, watched

__all__ = ["barely_watched", "watched"]
