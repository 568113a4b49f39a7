"""Red Hat's container images as packages: known by labels or by the Dockerfile they were built from."""
