"""Python packages as pip, setuptools and distributions install them."""

from pyrox.scan.wire import Wire

WIRE = Wire(databases=("python",), repository="pypi", purl="pypi")
