"""Colour management: the plate's space, and the door to the network domain."""
