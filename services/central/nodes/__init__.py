"""Nodes of secured clusters."""
