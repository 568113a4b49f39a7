"""`roxctl helm`: the charts that install PyRox."""

from roxctl.cli import Group

command = Group(
    "helm",
    "Charts for Helm.",
    {
        "derive-local-values": "roxctl.helm.derive_local_values",
        "output": "roxctl.helm.output",
    },
)
