"""Node.js packages below node_modules."""

from pyrox.scan.wire import Wire

WIRE = Wire(databases=("nodejs",), repository="npm", purl="npm", spaced="/")
