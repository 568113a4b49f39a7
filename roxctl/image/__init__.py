"""`roxctl image`: Scan and check images."""

from roxctl.cli import Group

command = Group(
    "image",
    "Scan and check images.",
    {
        "check": "roxctl.image.check",
        "sbom": "roxctl.image.sbom",
        "scan": "roxctl.image.scan",
    },
)
