"""`roxctl deployment`: Check deployments before they are applied."""

from roxctl.cli import Group

command = Group(
    "deployment",
    "Check deployments before they are applied.",
    {
        "check": "roxctl.deployment.check",
    },
)
