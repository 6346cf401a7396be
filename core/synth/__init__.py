"""Synthetic performers: rendering and sensor noise."""
