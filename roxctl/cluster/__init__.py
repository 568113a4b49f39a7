"""`roxctl cluster`: Manage secured clusters."""

from roxctl.cli import Group

command = Group(
    "cluster",
    "Manage secured clusters.",
    {
        "delete": "roxctl.cluster.delete",
    },
)
