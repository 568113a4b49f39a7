"""The first words of a Sensor."""

import pytest

from pyrox.errors import Invalid
from pyrox.pb.internalapi.central.hello_pb2 import SensorHello
from services.central.link.hello import check, from_headers, supports_hello


def test_supports_hello_needs_the_header() -> None:
    assert supports_hello({"rox-sensor-hello": "true"})
    assert not supports_hello({})
    assert not supports_hello({"rox-sensor-hello": "no"})


def test_from_headers_reads_what_old_sensors_send() -> None:
    hello = from_headers(
        {"rox-sensor-capabilities": "B,A,", "rox-sensor-version-info": '{"mainVersion": "4.4.0"}'}
    )
    assert list(hello.capabilities) == ["A", "B"]
    assert hello.sensor_version == "4.4.0"


def test_from_headers_without_any_is_an_empty_hello() -> None:
    assert from_headers({}) == SensorHello()


@pytest.mark.parametrize("text", ["{", "[1]", '"x"'])
def test_from_headers_bad_version_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="rox-sensor-version-info"):
        from_headers({"rox-sensor-version-info": text})


def test_check_refuses_a_flood_of_capabilities() -> None:
    with pytest.raises(Invalid, match="capabilities"):
        check(SensorHello(capabilities=[str(n) for n in range(201)]))
    assert check(SensorHello(capabilities=["A"])).capabilities == ["A"]
