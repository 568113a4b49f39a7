"""The version that PyRox shows on the wire.

PyRox has a version of its own; peers compare this one. It is the release of RHACS whose
interfaces we serve. Every process and roxctl read it here.
"""

from __future__ import annotations

WIRE_VERSION = "4.11.0"
