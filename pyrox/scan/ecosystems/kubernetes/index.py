"""No detector: a cluster reports its versions, images are not searched for them."""

from pyrox.scan.protocols import Detector

DETECTORS: tuple[Detector, ...] = ()
