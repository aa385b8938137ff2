"""Where upstream's cases are looked for."""

from pathlib import Path

BESIDE = Path(__file__).parents[2].parent / "shared" / "data" / "vectors" / "vpa.json"
"""The whole collection, where that folder is present."""
COPY = Path(__file__).parent / "vectors.json.gz"
"""Upstream's code run on inputs of ours (its ``meta`` says at which commit): part of this project."""
