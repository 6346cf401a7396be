"""Disk: frames, footage, tracks, caches."""
