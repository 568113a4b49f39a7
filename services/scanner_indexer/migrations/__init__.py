"""Numbered SQL of the Indexer's tables, applied by `pyrox.pg.migrate`."""
