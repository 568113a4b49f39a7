"""Rust crates."""

from pyrox.scan.wire import Wire

WIRE = Wire(databases=("cargo",), repository="crates.io", purl="cargo")
