"""Declarative configuration: what mounted files say shall be, and whether it is."""
