"""Namespaces of secured clusters."""
