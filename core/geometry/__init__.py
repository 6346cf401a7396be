"""Coordinates, crops and the dense face mesh."""
