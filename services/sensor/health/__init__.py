"""Periodic reports about the cluster and its services."""
