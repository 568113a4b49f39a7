"""The version order of Kubernetes' components."""

from pyrox.scan.versions.semver import Semver

SCHEME = Semver()
SCHEMES = (SCHEME,)
