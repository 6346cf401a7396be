"""The embedded demo shot, as package data."""
