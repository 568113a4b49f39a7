"""Components of Kubernetes itself, as platform vulnerabilities name them."""

from pyrox.scan.wire import Wire

WIRE = Wire(databases=("kubernetes",), repository="kubernetes", systems=("kubernetes",))
