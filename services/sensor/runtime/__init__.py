"""Signals from Collector to process indicators."""
