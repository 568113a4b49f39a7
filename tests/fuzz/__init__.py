"""Fuzzers of what reads bytes from outside: one for each parser, and a list of known attacks."""
