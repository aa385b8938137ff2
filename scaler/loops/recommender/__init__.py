"""Recommending: one round a minute reads everyone's usage, judges, and leaves what is to be written to a writer."""
