"""`roxctl central generate openshift`."""

from roxctl.central.generate.orchestrator import Orchestrator

command = Orchestrator("openshift", "Files for an OpenShift cluster.")
