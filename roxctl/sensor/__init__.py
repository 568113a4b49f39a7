"""`roxctl sensor`: Files for secured clusters."""

from roxctl.cli import Group

command = Group(
    "sensor",
    "Files for secured clusters.",
    {
        "generate": "roxctl.sensor.generate",
        "generate-certs": "roxctl.sensor.generate_certs",
        "get-bundle": "roxctl.sensor.get_bundle",
    },
)
