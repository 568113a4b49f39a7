"""`roxctl central generate k8s hostpath`."""

from roxctl.central.generate.orchestrator import storage_command

command = storage_command("k8s", "hostpath")
