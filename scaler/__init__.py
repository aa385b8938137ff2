"""Scaler: how many pods and how big, decided in one program and explained."""
