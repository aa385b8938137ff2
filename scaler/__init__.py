"""Scaler: how many pods and how big, decided in one program and explained."""

__version__ = "0.1.0"
"""The one place; the package's metadata, labels and `scaler --version` take it from here."""
