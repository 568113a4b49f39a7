"""`roxctl central generate`: files that install Central, made without asking a Central."""

from roxctl.central.generate import flags
from roxctl.cli import Group

command = Group(
    "generate",
    "Generate files that install Central.",
    {
        "interactive": "roxctl.central.generate.interactive",
        "k8s": "roxctl.central.generate.k8s",
        "openshift": "roxctl.central.generate.openshift",
    },
)
command.params.extend(flags.common())
