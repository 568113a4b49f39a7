"""`roxctl central generate openshift pvc`."""

from roxctl.central.generate.orchestrator import storage_command

command = storage_command("openshift", "pvc")
