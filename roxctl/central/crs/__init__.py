"""`roxctl central crs`: cluster registration secrets."""

from roxctl.cli import Group

command = Group(
    "crs",
    "Make, list and revoke cluster registration secrets.",
    {
        "generate": "roxctl.central.crs.generate",
        "list": "roxctl.central.crs.listing",
        "revoke": "roxctl.central.crs.revoke",
    },
)
