"""The connection to Central that the stream and the unary calls share.

Made once in `app.py`. It must not know which calls are made.
"""

from __future__ import annotations

import grpc

from pyrox.clock import Clock
from pyrox.mtls.reload import ClientTls
from pyrox.rpc.client import ChannelOptions, Channels, Target
from services.sensor.link.session import USER_AGENT


class CentralDialer:
    """Holds the channel; makes it anew when Central names another message limit."""

    def __init__(self, *, target: Target, tls: ClientTls, clock: Clock, receive_limit: int) -> None:
        self._target = target
        self._tls = tls
        self._clock = clock
        self._limit = receive_limit
        self._channels = self._make()

    async def channel(self, receive_limit: int) -> grpc.aio.Channel:
        """The channel, which takes messages up to that size."""
        if receive_limit != self._limit:
            await self._channels.close()
            self._limit = receive_limit
            self._channels = self._make()
        return await self._channels.channel()

    async def current(self) -> grpc.aio.Channel:
        """The channel as it is."""
        return await self._channels.channel()

    async def close(self) -> None:
        """Close it."""
        await self._channels.close()

    def _make(self) -> Channels:
        return Channels(
            self._target,
            tls=self._tls,
            options=ChannelOptions(max_receive_bytes=self._limit, user_agent=USER_AGENT),
            service_cert=self._clock,
        )
