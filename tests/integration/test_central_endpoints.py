"""Endpoints that an operator adds to a real Central."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import httpx
import pytest

from pyrox.mtls.identity import Subject
from pyrox.pg.settings import Settings
from tests.support.central import running_central
from tests.support.pg import free_port

pytestmark = [pytest.mark.needs("postgres")]

FILE = """
endpoints:
- {{listen: "127.0.0.1:{http}", protocols: [http], tls: {{disable: true}}}}
- listen: "127.0.0.1:{machines}"
  tls: {{serverCerts: [service], clientAuth: {{required: true, certAuthorities: [service]}}}}
- {{listen: "127.0.0.1:{taken}", optional: true}}
"""


def test_added_endpoints_serve_what_they_are_for(tmp_path: Path, central_database: Settings) -> None:
    http, machines, grpc = free_port(), free_port(), free_port()
    file = tmp_path / "endpoints.yaml"
    with socket.create_server(("127.0.0.1", 0)) as other:
        file.write_text(FILE.format(http=http, machines=machines, taken=other.getsockname()[1]))
        environment = {"ROX_PLAINTEXT_ENDPOINTS": f"grpc@127.0.0.1:{grpc}"}
        arguments = ("--endpoints", str(file))
        with running_central(
            tmp_path, central_database, arguments=arguments, environment=environment
        ) as central:
            ping = httpx.get(f"http://127.0.0.1:{http}/v1/ping", trust_env=False)
            assert ping.json() == {"status": "ok"}
            with pytest.raises(httpx.RemoteProtocolError):
                httpx.get(f"http://127.0.0.1:{grpc}/v1/ping", trust_env=False)
            shown = central.pki.files(Subject("SENSOR_SERVICE", "c"))
            trusted = ssl.create_default_context(cafile=str(central.pki.ca_file))
            trusted.check_hostname = False
            with (
                httpx.Client(verify=trusted, trust_env=False) as stranger,
                pytest.raises(httpx.TransportError),
            ):
                stranger.get(f"https://127.0.0.1:{machines}/v1/ping")
            trusted.load_cert_chain(shown.cert, shown.key)
            with httpx.Client(verify=trusted, trust_env=False) as machine:
                assert machine.get(f"https://127.0.0.1:{machines}/v1/ping").json() == {"status": "ok"}
        assert "optional endpoint not opened" in central.log.read_text()
