"""Scanner V4 Indexer: what an image holds."""
