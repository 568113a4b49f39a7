"""`roxctl central generate openshift none`."""

from roxctl.central.generate.orchestrator import storage_command

command = storage_command("openshift", "none")
