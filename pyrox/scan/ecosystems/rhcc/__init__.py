"""Red Hat's container images as packages: known by labels or by the Dockerfile they were built from."""

from pyrox.scan.wire import Wire

WIRE = Wire()
