"""The version order of Python packages."""

from pyrox.scan.versions.pep440 import PythonScheme

SCHEME = PythonScheme()
SCHEMES = (SCHEME,)
