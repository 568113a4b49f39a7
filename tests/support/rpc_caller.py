"""Calls any method of a running Central over gRPC, by its descriptor."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import grpc
from google.protobuf.message import Message

from pyrox.mtls.reload import CertFiles
from pyrox.rpc.methods import Method
from tests.support.central import RunningCentral

# A stream that nobody ends, such as a Sensor's, is left after its first answer.
_SECONDS = 60
_ANSWERS = 200


@contextmanager
def channel(central: RunningCentral, client: CertFiles | None = None) -> Iterator[grpc.Channel]:
    """A channel that trusts Central's CA, with or without a client certificate."""
    credentials = grpc.ssl_channel_credentials(
        root_certificates=central.pki.ca.cert_pem,
        private_key=client.key.read_bytes() if client else None,
        certificate_chain=client.cert.read_bytes() if client else None,
    )
    options = [("grpc.ssl_target_name_override", "central.stackrox"), ("grpc.use_local_subchannel_pool", 1)]
    with grpc.secure_channel(f"127.0.0.1:{central.port}", credentials, options) as opened:
        yield opened


def call(
    opened: grpc.Channel,
    method: Method,
    request: Message | None = None,
    token: str = "",
    authorization: str = "",
) -> tuple[grpc.StatusCode, str, list[Message]]:
    """The status, its text and the answers."""
    credentials = authorization or (f"Bearer {token}" if token else "")
    metadata = [("authorization", credentials)] if credentials else []
    asked = request if request is not None else method.request()
    sides = (
        "stream" if streaming else "unary" for streaming in (method.client_streaming, method.server_streaming)
    )
    make = getattr(opened, "_".join(sides))
    stub = make(
        method.path,
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=method.response.FromString,
    )
    argument = iter(()) if method.client_streaming else asked
    try:
        answered = stub(argument, timeout=_SECONDS, metadata=metadata)
        answers = list(itertools.islice(answered, _ANSWERS)) if method.server_streaming else [answered]
    except grpc.RpcError as error:
        ended = cast("grpc.Call", error)
        return ended.code(), ended.details() or "", []
    return grpc.StatusCode.OK, "", answers
