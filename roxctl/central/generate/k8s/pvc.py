"""`roxctl central generate k8s pvc`."""

from roxctl.central.generate.orchestrator import storage_command

command = storage_command("k8s", "pvc")
