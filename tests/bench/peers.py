"""Plain servers to compare with: `python -m tests.bench.peers KIND PORT CERT KEY`.

`rest` is uvicorn with an app of three lines, `grpc` is grpc.aio with one method, both
with the same certificate and nothing else: no authorisation, no second protocol.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import grpc
import uvicorn
import uvloop

from pyrox.pb.api.v1.ping_service_pb2 import PongMessage
from pyrox.rpc.asgi import Receive, Scope, Send

_BODY = b'{"status":"ok"}'


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """`/v1/ping` as it is on the wire."""
    del receive
    assert scope["type"] == "http"
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_BODY))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": _BODY})


async def ping(request: bytes, context: Any) -> bytes:
    """The same over gRPC."""
    del request, context
    return PongMessage(status="ok").SerializeToString()


async def serve_rpc(port: int, cert: Path, key: Path) -> None:
    """grpc.aio with one method."""
    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(ping)
    service = grpc.method_handlers_generic_handler("v1.PingService", {"Ping": handler})
    server.add_generic_rpc_handlers((service,))
    credentials = grpc.ssl_server_credentials([(key.read_bytes(), cert.read_bytes())])
    server.add_secure_port(f"127.0.0.1:{port}", credentials)
    await server.start()
    await asyncio.Event().wait()


def serve_rest(port: int, cert: Path, key: Path) -> None:
    """uvicorn, as fast as it goes."""
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        ssl_certfile=str(cert),
        ssl_keyfile=str(key),
        http="httptools",
        loop="uvloop",
        lifespan="off",
        access_log=False,
        log_config=None,
    )
    uvicorn.Server(config).run()


if __name__ == "__main__":
    if sys.argv[1] == "rest":
        serve_rest(int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4]))
    else:
        uvloop.run(serve_rpc(int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4])))
