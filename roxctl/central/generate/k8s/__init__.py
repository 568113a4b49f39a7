"""`roxctl central generate k8s`."""

from roxctl.central.generate.orchestrator import Orchestrator

command = Orchestrator("k8s", "Files for a Kubernetes cluster.")
