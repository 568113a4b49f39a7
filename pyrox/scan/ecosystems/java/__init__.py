"""Java archives: jar, war, ear and what nests in them."""

from pyrox.scan.wire import Wire

WIRE = Wire(databases=("file", "jar", "maven"), repository="maven", purl="maven", spaced=":")
