"""Nuke's start files; the only folder of ours that is on Nuke's own path."""
