"""Writes what was seen and decided, for whoever asks later; judging never waits for it."""
