"""The version order of Go modules."""

from pyrox.scan.versions.go import Go

SCHEME = Go()
SCHEMES = (SCHEME,)
