"""Pods of secured clusters."""
