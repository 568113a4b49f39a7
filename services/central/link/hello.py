"""The first words of a Sensor: from the stream's headers and its hello message.

Pure. A Sensor older than the hello message says the same in headers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from pyrox.errors import Invalid
from pyrox.pb.internalapi.central.hello_pb2 import SensorHello

HELLO_HEADER = "rox-sensor-hello"
CAPABILITIES_HEADER = "rox-sensor-capabilities"
VERSION_HEADER = "rox-sensor-version-info"
# A Sensor names some twenty capabilities; more than this is not one.
_CAPABILITIES_MAX = 200


def supports_hello(metadata: Mapping[str, str]) -> bool:
    """Whether the Sensor will send a hello message and waits for Central's."""
    return metadata.get(HELLO_HEADER, "") == "true"


def from_headers(metadata: Mapping[str, str]) -> SensorHello:
    """The hello that an old Sensor's headers amount to. Raises `Invalid`."""
    hello = SensorHello()
    names = [name for name in metadata.get(CAPABILITIES_HEADER, "").split(",") if name]
    hello.capabilities.extend(sorted(names[:_CAPABILITIES_MAX]))
    text = metadata.get(VERSION_HEADER, "")
    if text:
        try:
            hello.sensor_version = str(json.loads(text).get("mainVersion", ""))
        except (ValueError, AttributeError) as err:
            raise Invalid(f"header {VERSION_HEADER} is not a JSON object") from err
    return hello


def check(hello: SensorHello) -> SensorHello:
    """The hello, when its size is sane. Raises `Invalid`."""
    if len(hello.capabilities) > _CAPABILITIES_MAX:
        raise Invalid(
            f"the hello names {len(hello.capabilities)} capabilities; at most {_CAPABILITIES_MAX} are read"
        )
    return hello
