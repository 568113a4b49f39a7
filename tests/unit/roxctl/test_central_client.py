"""Retries of a single call, deadlines and the headers of each call."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pyrox.pb.api.v1 import empty_pb2, ping_service_pb2
from roxctl.central_client import Central
from roxctl.errors import CallFailed, CliError
from roxctl.settings import Settings
from roxctl.transport import Metadata
from tests.support.cli import StoppedTimer

PONG = ping_service_pb2.PongMessage(status="ok")


class Wire:
    """Stands where the network begins: fails as told, then answers."""

    def __init__(self, timer: StoppedTimer, outcomes: Sequence[CliError | bytes], takes: float = 0) -> None:
        self._timer = timer
        self._outcomes = list(outcomes)
        self._takes = takes
        self.metadata: list[Metadata] = []
        self.limits: list[float] = []

    def unary(self, path: str, request: bytes, metadata: Metadata, seconds: float) -> bytes:
        self.metadata.append(metadata)
        self.limits.append(seconds)
        self._timer.seconds += self._takes
        outcome = self._outcomes.pop(0)
        if isinstance(outcome, CliError):
            raise outcome
        return outcome

    def close(self) -> None:
        """Nothing is open."""


class Client:
    def __init__(self, *outcomes: CliError | bytes, takes: float = 0) -> None:
        self.timer = StoppedTimer()
        self.wire = Wire(self.timer, outcomes, takes)
        self.central = Central(
            settings=Settings("h", 1),
            authorization="Bearer t",
            headers=(("rh-roxctl-command", "image scan"),),
            timer=self.timer,
        )
        self.central._transport = self.wire

    def ping(self, seconds: float = 60, try_seconds: float = 0) -> str:
        answer = self.central.call(
            "/v1.PingService/Ping", empty_pb2.Empty(), ping_service_pb2.PongMessage,
            seconds=seconds, try_seconds=try_seconds,
        )  # fmt: skip
        return answer.status


AWAY = CallFailed("Unavailable", "away")


@pytest.mark.parametrize("code", ["Unavailable", "DeadlineExceeded", "ResourceExhausted"])
def test_call_repeats_what_passes_with_growing_waits(code: str) -> None:
    client = Client(*[CallFailed(code, "")] * 4, PONG.SerializeToString())
    assert client.ping() == "ok"
    assert client.timer.waits == [0.1, 0.2, 0.4, 0.8]


def test_call_gives_up_after_ten_tries() -> None:
    client = Client(*[AWAY] * 20)
    with pytest.raises(CallFailed, match="away"):
        client.ping(seconds=1000)
    assert len(client.wire.limits) == 10


@pytest.mark.parametrize("code", ["Internal", "Unauthenticated", "NotFound"])
def test_call_does_not_repeat_other_failures(code: str) -> None:
    client = Client(CallFailed(code, ""))
    with pytest.raises(CallFailed):
        client.ping()
    assert client.timer.waits == []


def test_call_stops_waiting_at_its_deadline() -> None:
    client = Client(*[AWAY] * 20, takes=4)
    with pytest.raises(CallFailed):
        client.ping(seconds=10)
    assert client.timer.seconds < 1000 + 13


def test_call_limits_each_try() -> None:
    client = Client(AWAY, PONG.SerializeToString())
    client.ping(seconds=60, try_seconds=20)
    assert client.wire.limits == [20, 20]


def test_call_carries_command_index_and_credentials() -> None:
    client = Client(AWAY, PONG.SerializeToString())
    client.ping()
    assert [dict(metadata) for metadata in client.wire.metadata] == [
        {
            "rh-roxctl-command": "image scan",
            "rh-roxctl-command-index": str(index),
            "authorization": "Bearer t",
        }
        for index in (1, 2)
    ]


def test_call_with_answer_of_another_type_is_refused() -> None:
    with pytest.raises(CallFailed, match=r"the answer of /v1.PingService/Ping is not a v1.PongMessage"):
        Client(b"\xff\xff").ping()
