"""Where a front listens, as text; its connections are the integration tests' matter."""

from __future__ import annotations

import pytest

from pyrox.errors import Invalid
from pyrox.rpc.front import Endpoint


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("127.0.0.1:8443", ("127.0.0.1", 8443)),
        (":8443", ("0.0.0.0", 8443)),  # noqa: S104 - as the operator asks
        ("[::1]:0", ("::1", 0)),
    ],
)
def test_endpoint_is_host_and_port(address: str, shown: tuple[str, int]) -> None:
    endpoint = Endpoint.parse(address)
    assert (endpoint.host, endpoint.port) == shown


@pytest.mark.parametrize("address", ["", "localhost", "localhost:", "localhost:http", "x:65536", "x:-1"])
def test_endpoint_that_cannot_be_is_refused_by_its_text(address: str) -> None:
    with pytest.raises(Invalid, match=f"address '{address}'"):
        Endpoint.parse(address)
