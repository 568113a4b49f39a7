"""Sensor's answers to violations in the cluster."""
