"""Init bundles and cluster registration secrets: how new clusters join."""
