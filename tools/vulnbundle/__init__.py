"""Makes vulnerability bundles: what is fetched from where, and how bundles are written."""
