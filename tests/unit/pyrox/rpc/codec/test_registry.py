"""Compiled types: once each, recursive ones too, and never half-made in another thread."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pyrox.pb.storage import alert_pb2
from pyrox.rpc.codec import Decoder, Encoder
from pyrox.rpc.codec.registry import Registry
from tests.support.random_message import fill


class Kind:
    def __init__(self) -> None:
        self.finished = False


def test_get_makes_each_type_once() -> None:
    registry: Registry[Kind] = Registry()
    first = registry.get("a", Kind, lambda kind: setattr(kind, "finished", True))
    assert registry.get("a", Kind, lambda _: pytest.fail("made twice")) is first
    assert first.finished


def test_get_inside_its_own_compilation_is_the_unfinished_type() -> None:
    registry: Registry[Kind] = Registry()
    seen: list[Kind] = []

    def finish(kind: Kind) -> None:
        seen.append(registry.get("a", Kind, finish))
        kind.finished = True

    assert registry.get("a", Kind, finish) is seen[0]


def test_get_in_another_thread_waits_until_the_type_is_complete() -> None:
    registry: Registry[Kind] = Registry()
    inside, go_on = threading.Event(), threading.Event()

    def slowly(kind: Kind) -> None:
        inside.set()
        assert go_on.wait(10)
        kind.finished = True

    with ThreadPoolExecutor(2) as pool:
        making = pool.submit(registry.get, "a", Kind, slowly)
        assert inside.wait(10)
        other = pool.submit(registry.get, "a", Kind, lambda _: None)
        assert not other.done()
        go_on.set()
        assert other.result(10) is making.result(10)
        assert other.result().finished


def test_codec_is_right_when_threads_start_together() -> None:
    alert = fill(alert_pb2.Alert(), 5)
    body = Encoder().encode(alert)
    for _ in range(20):
        decoder, encoder, start = Decoder(), Encoder(), threading.Barrier(4)

        def work(
            decoder: Decoder = decoder, encoder: Encoder = encoder, start: threading.Barrier = start
        ) -> bytes:
            start.wait(10)
            message = alert_pb2.Alert()
            decoder.decode(body, message)
            return encoder.encode(message)

        with ThreadPoolExecutor(4) as pool:
            assert {future.result() for future in [pool.submit(work) for _ in range(4)]} == {body}
