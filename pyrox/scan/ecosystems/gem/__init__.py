"""RubyGems."""

from pyrox.scan.wire import Wire

WIRE = Wire(databases=("ruby",), repository="rubygems", purl="gem")
