"""`roxctl central`: about Central itself."""

from roxctl.cli import Group

command = Group(
    "central",
    "Ask and manage Central.",
    {
        "crs": "roxctl.central.crs",
        "init-bundles": "roxctl.central.init_bundles",
        "whoami": "roxctl.central.whoami",
    },
)
