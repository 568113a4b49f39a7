"""Compliance: the node's second agent, which answers Sensor's questions about the node."""
