"""Alpine, Wolfi and Chainguard: apk databases, distributions, versions and advisories."""

from pyrox.scan.wire import Wire

WIRE = Wire(systems=("alpine", "wolfi", "chainguard"), purl="apk")
