"""Options and edges of the gRPC server that need no socket."""

from __future__ import annotations

from pyrox.rpc.errors import Status
from pyrox.rpc.server import RpcOptions, _shortened


def test_channel_arguments_are_upstreams() -> None:
    arguments = dict(RpcOptions().channel_arguments())
    assert arguments["grpc.max_receive_message_length"] == 24 * 1024 * 1024
    assert arguments["grpc.max_send_message_length"] == 256 * 1024 * 1024
    assert arguments["grpc.max_concurrent_streams"] == 100
    assert arguments["grpc.keepalive_time_ms"] == 40_000
    assert arguments["grpc.http2.min_ping_interval_without_data_ms"] == 5_000
    assert arguments["grpc.keepalive_permit_without_calls"] == 1


def test_long_text_is_cut_below_what_clients_accept_in_trailers() -> None:
    assert _shortened(Status(3, "short")) == "short"
    cut = _shortened(Status(3, "x" * 100_000))
    assert cut.endswith("…")
    assert len(cut) < 8192 // 3
