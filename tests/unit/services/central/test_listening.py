"""Fronts and TLS sides of endpoints; what they answer is the integration tests' matter."""

from __future__ import annotations

from pathlib import Path

from pyrox.env import Address
from pyrox.rpc.health import probe_app
from pyrox.rpc.peers import Peers
from services.central.endpoints import Listen, Tls
from services.central.listening import Listening
from tests.support.pki import FixedClock


def at(port: int, *protocols: str, tls: Tls | None = Tls()) -> Listen:  # noqa: B008 - frozen
    return Listen(Address("127.0.0.1", port), frozenset(protocols) or frozenset({"http", "grpc"}), tls)


def test_endpoints_of_the_same_protocols_share_a_front(tmp_path: Path) -> None:
    endpoints = [at(1), at(2, "http"), at(3, "grpc"), at(4, tls=None), at(5, "http", tls=None)]
    listening = Listening(endpoints, certs=tmp_path, default_tls=tmp_path)
    fronts = listening.fronts(probe_app({}), Peers(), FixedClock())
    assert [front.name for front in fronts] == ["front", "front-http", "front-grpc"]


def test_endpoints_of_the_same_tls_share_its_files(tmp_path: Path) -> None:
    machines = Tls(clients=("service",), required=True)
    endpoints = [at(1), at(2), at(3, tls=machines), at(4, tls=None), at(5, tls=Tls(clients=()))]
    listening = Listening(endpoints, certs=tmp_path, default_tls=tmp_path)
    assert len(listening.tls) == 3
    # Only the first takes certificates of users.
    assert listening.for_users == listening.tls[:1]
