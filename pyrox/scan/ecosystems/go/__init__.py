"""Go modules and the Go toolchain."""

from pyrox.scan.wire import Wire

WIRE = Wire(databases=("go",), repository="go", purl="golang", spaced="/")
