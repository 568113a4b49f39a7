"""Numbered SQL of the Matcher's tables, applied by `pyrox.pg.migrate`."""
