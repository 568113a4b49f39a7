"""`roxctl image`: Scan and check images."""

from roxctl.cli import Group

command = Group(
    "image",
    "Scan and check images.",
    {
        "check": "roxctl.image.check",
        "scan": "roxctl.image.scan",
    },
)
