"""`roxctl central db`: Central's database as a whole."""

from roxctl.cli import Group

command = Group(
    "db",
    "Back up and restore Central's database.",
    {
        "backup": "roxctl.central.db.backup",
        "restore": "roxctl.central.db.restore",
    },
)
