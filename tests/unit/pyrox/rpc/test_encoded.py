"""An answer on hand as bytes goes over the wire as it is."""

from __future__ import annotations

from pyrox.pb.api.v1.ping_service_pb2 import PongMessage
from pyrox.rpc.encoded import Encoded


def test_bytes_are_those_of_the_message() -> None:
    message = PongMessage(status="ok")
    answer = Encoded[PongMessage](message.SerializeToString())
    assert PongMessage.FromString(answer.SerializeToString()) == message
