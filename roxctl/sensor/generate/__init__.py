"""`roxctl sensor generate`: register a cluster and fetch the files that secure it."""

from roxctl.cli import Group

command = Group(
    "generate",
    "Register a cluster with Central and download the files that secure it.",
    {
        "k8s": "roxctl.sensor.generate.k8s",
        "openshift": "roxctl.sensor.generate.openshift",
    },
)
