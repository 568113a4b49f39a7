"""`roxctl policy`: Policies without a server."""

from roxctl.cli import Group

command = Group(
    "policy",
    "Work on policies without a server.",
    {
        "test": "roxctl.policy.test",
    },
)
