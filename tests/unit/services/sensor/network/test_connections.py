"""What Collectors told of connections."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pyrox.pb.internalapi.sensor.network_connection_info_pb2 import (
    NetworkConnection,
    NetworkConnectionInfo,
    NetworkEndpoint,
)
from pyrox.pb.internalapi.sensor.network_enums_pb2 import ClientServerRole
from services.sensor.network import connections as module
from services.sensor.network.connections import Connections, Listening, Seen
from tests.support.collector_network import CLIENT, CONTAINER, SERVER, TCP, UDP, by, listens, to, told

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def known() -> Connections:
    made = Connections()
    made.opened("node")
    return made


def ports(known: Connections) -> dict[int, datetime | None]:
    """The end of each connection by its port."""
    return {connection.port: seen.closed for connection, seen in known.connections()}


def test_connection_is_known_by_container_remote_and_the_servers_port(known: Connections) -> None:
    known.take("node", told(to("10.0.0.1", 5432, network="10.0.0.0/8"), by("8.8.8.8", 80)), NOW)
    (out, seen), (into, _) = known.connections()
    assert (out.container_id, str(out.remote), str(out.network), out.port, out.incoming) == (
        CONTAINER,
        "10.0.0.1",
        "10.0.0.0/8",
        5432,
        False,
    )
    assert seen == Seen(NOW)
    assert (str(into.remote), into.port, into.incoming) == ("8.8.8.8", 80, True)


def test_end_is_told_on_our_clock(known: Connections) -> None:
    theirs = NOW - 10 * MINUTE
    known.take("node", told(to("10.0.0.1"), at=theirs), NOW)
    known.take("node", told(to("10.0.0.1", closed=theirs - MINUTE), at=theirs), NOW)
    assert ports(known) == {443: NOW - MINUTE}
    known.take("node", told(to("10.0.0.1"), at=theirs), NOW)
    assert ports(known) == {443: None}


def test_new_stream_ends_what_it_does_not_tell_again(known: Connections) -> None:
    known.take("node", told(to("10.0.0.1", 1), to("10.0.0.1", 2), listens(80)), NOW)
    known.closed("node", NOW + MINUTE)
    known.opened("node")
    known.take("node", told(to("10.0.0.1", 2)), NOW + 2 * MINUTE)
    assert ports(known) == {1: NOW + MINUTE, 2: None}
    assert [seen.closed for _, seen in known.listening()] == [NOW + MINUTE]


def test_closed_is_forgotten_after_its_time_and_a_host_that_left_after_five_minutes(
    known: Connections,
) -> None:
    known.take("node", told(to("10.0.0.1", 1, closed=NOW), to("10.0.0.1", 2), listens(80, closed=NOW)), NOW)
    known.prune(NOW + 6 * MINUTE, 6 * MINUTE)
    assert set(ports(known)) == {1, 2}
    known.prune(NOW + 7 * MINUTE, 6 * MINUTE)
    assert (set(ports(known)), list(known.listening())) == ({2}, [])
    known.closed("node", NOW)
    known.prune(NOW + 5 * MINUTE, 6 * MINUTE)
    assert set(ports(known)) == {2}
    known.prune(NOW + 6 * MINUTE, 6 * MINUTE)
    assert ports(known) == {}


@pytest.mark.parametrize(
    ("role", "local", "remote", "incoming"),
    [(CLIENT, 53, 50000, True), (SERVER, 50000, 53, False), (SERVER, 53, 54, True), (CLIENT, 0, 53, False)],
)
def test_direction_of_udp_is_the_one_that_the_ports_tell(
    known: Connections, role: ClientServerRole.ValueType, local: int, remote: int, incoming: bool
) -> None:
    raw = to("10.0.0.1", remote)
    raw.role, raw.protocol, raw.local_address.port = role, UDP, local
    known.take("node", told(raw), NOW)
    ((connection, _),) = known.connections()
    assert connection.incoming is incoming
    assert connection.port == (local if incoming else remote)


def test_listening_port_is_known_by_its_container(known: Connections) -> None:
    known.take("node", told(listens(80, container=CONTAINER + "more")), NOW)
    assert list(known.listening()) == [(Listening(CONTAINER, 80, TCP), Seen(NOW))]


def _without(**fields: object) -> NetworkConnection:
    raw = to("10.0.0.1")
    for name, value in fields.items():
        setattr(raw, name, value)
    return raw


def test_what_cannot_be_is_counted_and_the_rest_is_kept(known: Connections) -> None:
    odd = to("10.0.0.1")
    odd.remote_address.address_data = b"odd"
    far = to("10.0.0.1", 70000)
    wrong: list[NetworkConnection | NetworkEndpoint] = [
        odd,
        far,
        _without(container_id=""),
        _without(role=0),
        listens(70000),
        listens(80, container=""),
    ]
    known.take("node", told(*wrong, to("10.0.0.1")), NOW)
    assert known.refused == len(wrong)
    assert ports(known) == {443: None}


def test_times_that_there_are_not_do_not_matter(known: Connections) -> None:
    raw = to("10.0.0.1")
    raw.close_timestamp.seconds = 1 << 60
    message = told(raw)
    message.time.seconds = 1 << 60
    known.take("node", message, NOW)
    assert ports(known) == {443: NOW}


def test_hosts_and_their_connections_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PER_HOST", 2)
    monkeypatch.setattr(module, "MAX_HOSTS", 1)
    known = Connections()
    known.opened("node")
    known.opened("stranger")
    known.take("node", told(*(to("10.0.0.1", port) for port in (1, 2, 3))), NOW)
    known.take("stranger", told(to("10.0.0.1", 4), listens(5)), NOW)
    known.closed("stranger", NOW)
    assert set(ports(known)) == {1, 2}
    assert known.refused == 3


def test_empty_message_changes_nothing(known: Connections) -> None:
    known.take("node", NetworkConnectionInfo(), NOW)
    assert ports(known) == {}
