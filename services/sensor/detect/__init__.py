"""Policies against deployments and processes."""
