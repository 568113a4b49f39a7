"""Composer packages."""
