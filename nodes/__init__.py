"""Nodes as every host shows them; standard library only."""
