"""Measurements, not tests: run by hand, each beside a yardstick of the same run. `python -m tests.bench` lists them."""
