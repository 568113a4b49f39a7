"""Socket names and the peers behind them."""

from __future__ import annotations

import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyrox.rpc.peers import NOBODY, Peer, Peers, peer_of


@pytest.fixture
def short() -> Iterator[Path]:
    """A directory whose path leaves room for a socket's name, however deep the test runner's own is."""
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory)


def test_directory_is_private_and_goes_away(short: Path) -> None:
    peers = Peers(short)
    peers.open()
    directory = peers.grpc_socket.parent
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    peers.open()
    assert peers.grpc_socket.parent == directory
    peers.close()
    assert not directory.exists()


def test_names_are_new_each_time_and_lie_in_the_directory(short: Path) -> None:
    peers = Peers(short)
    peers.open()
    names = {peers.new_name() for _ in range(100)}
    assert len(names) == 100
    assert {Path(name).parent for name in names} == {peers.grpc_socket.parent}


def test_peer_is_found_until_it_is_removed(tmp_path: Path) -> None:
    peers = Peers(tmp_path)
    peers.add("name", Peer("10.0.0.1:5"))
    assert peers.find("name") == Peer("10.0.0.1:5")
    assert peers.find("other") is None
    peers.remove("name")
    peers.remove("name")
    assert peers.find("name") is None
    assert len(peers) == 0


def test_directory_that_is_not_open_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="start the RpcServer before the Front"):
        _ = Peers(tmp_path).grpc_socket


def test_directory_with_a_long_path_is_refused(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    with pytest.raises(ValueError, match="too long for sockets"):
        Peers(deep).open()


def test_peer_of_a_request_comes_from_its_scope() -> None:
    peer = Peer("10.0.0.1:5", secure=True)
    assert peer_of({"state": {"peer": peer}}) is peer
    assert peer_of({"state": {"peer": "forged"}}) is NOBODY
    assert peer_of({}) is NOBODY
