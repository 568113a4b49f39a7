"""`roxctl central generate k8s none`."""

from roxctl.central.generate.orchestrator import storage_command

command = storage_command("k8s", "none")
