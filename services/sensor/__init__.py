"""Sensor: guards one cluster and talks to Central."""
