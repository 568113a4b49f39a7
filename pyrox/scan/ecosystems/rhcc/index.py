"""Finds what image a layer belongs to; no detector reads it yet."""

DETECTORS = ()
