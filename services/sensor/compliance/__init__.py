"""Compliance, the second agent of each node, as Sensor serves it."""
