"""Detectors of gems; images are matched by their SBOM until one stands here."""

from pyrox.scan.protocols import Detector

DETECTORS: tuple[Detector, ...] = ()
