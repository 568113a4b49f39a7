"""`roxctl central generate openshift hostpath`."""

from roxctl.central.generate.orchestrator import storage_command

command = storage_command("openshift", "hostpath")
