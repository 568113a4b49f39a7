"""Build the container images of `deploy/images` with or without a container engine.

Run by `make images` as `python -m tools.images`. Nothing in `pyrox`, `services` or
`roxctl` knows of it.
"""
