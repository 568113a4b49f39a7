"""Builders and servers for tests; never imported outside tests."""
