"""`roxctl central`: about Central itself."""

from roxctl.cli import Group

command = Group(
    "central",
    "Ask and manage Central.",
    {
        "backup": "roxctl.central.backup",
        "crs": "roxctl.central.crs",
        "db": "roxctl.central.db",
        "generate": "roxctl.central.generate",
        "init-bundles": "roxctl.central.init_bundles",
        "whoami": "roxctl.central.whoami",
    },
)
