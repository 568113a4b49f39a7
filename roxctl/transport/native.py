"""gRPC over HTTP/2, with TLS or without."""

from __future__ import annotations

import grpc

from roxctl.errors import CallFailed
from roxctl.product import user_agent
from roxctl.transport import MAX_ANSWER_BYTES, Metadata

_OPTIONS = (
    ("grpc.max_receive_message_length", MAX_ANSWER_BYTES),
    ("grpc.max_send_message_length", MAX_ANSWER_BYTES),
    # `roxctl.central_client` retries by upstream's rules.
    ("grpc.enable_retries", 0),
    # Behind an HTTP proxy the other transport is used.
    ("grpc.enable_http_proxy", 0),
)


class NativeTransport:
    """Calls over a grpcio channel."""

    def __init__(self, *, target: str, roots: bytes | None, server_name: str) -> None:
        """Without `roots` the connection is plaintext; `server_name` is then the authority."""
        options: list[tuple[str, str | int]] = [*_OPTIONS, ("grpc.primary_user_agent", user_agent())]
        if roots is None:
            if server_name:
                options.append(("grpc.default_authority", server_name))
            self._channel = grpc.insecure_channel(target, options=options)
        else:
            options.append(("grpc.ssl_target_name_override", server_name))
            self._channel = grpc.secure_channel(target, grpc.ssl_channel_credentials(roots), options=options)

    def unary(self, path: str, request: bytes, metadata: Metadata, seconds: float) -> bytes:
        """The answer's bytes. Raises `CallFailed`."""
        call = self._channel.unary_unary(path, _as_is, _as_is)
        try:
            answer: bytes = call(request, timeout=seconds, metadata=tuple(metadata))
        except grpc.RpcError as error:
            raise CallFailed.numbered(error.code().value[0], error.details() or "") from error
        return answer

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()


def _as_is(data: bytes) -> bytes:
    return data
