"""Scenarios that play side by side on one installation."""
