"""The start of a stream: order, chunks, and what breaks it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from pyrox.pb.internalapi.central.hello_pb2 import CentralHello, SensorHello
from pyrox.pb.internalapi.central.sensor_iservice_pb2 import DeduperState, MsgFromSensor, MsgToSensor
from pyrox.pb.storage.cluster_pb2 import SensorDeploymentIdentification
from services.sensor.link.greeting import (
    SEND_DEDUPER_STATE,
    BadOrder,
    Greeting,
    Introduction,
    greet,
    register,
)


def hello(*, sends: bool = True, capabilities: Sequence[str] = (SEND_DEDUPER_STATE,)) -> MsgToSensor:
    return MsgToSensor(
        hello=CentralHello(cluster_id="c", send_deduper_state=sends, capabilities=capabilities)
    )


def bare(arm: str) -> MsgToSensor:
    message = MsgToSensor()
    getattr(message, arm).SetInParent()
    return message


FIXED = [bare(arm) for arm in ("cluster_config", "policy_sync", "baseline_sync", "network_baseline_sync")]


def chunk(current: int, total: int, **hashes: int) -> MsgToSensor:
    return MsgToSensor(deduper_state=DeduperState(current=current, total=total, resource_hashes=hashes))


async def run(
    messages: Sequence[MsgToSensor], *, reconcile: bool = True
) -> tuple[Greeting, list[MsgFromSensor]]:
    waiting, sent = list(messages), []

    async def read() -> MsgToSensor | None:
        return waiting.pop(0) if waiting else None

    async def write(message: MsgFromSensor) -> None:
        sent.append(message)

    introduction = Introduction(
        reconnect=False,
        reconcile=reconcile,
        identification=SensorDeploymentIdentification(app_namespace="stackrox"),
    )
    greeting = await greet(introduction, read, write)
    assert not waiting
    return greeting, sent


async def test_greet_chunks_are_joined() -> None:
    greeting, sent = await run([hello(), *FIXED, chunk(1, 2, a=1), chunk(2, 2, b=2)])
    assert greeting.hashes == {"a": 1, "b": 2}
    assert [m.WhichOneof("msg") for m in greeting.opening] == [m.WhichOneof("msg") for m in FIXED]
    first = sent[0].hello
    assert (first.sensor_state, first.request_deduper_state, first.policy_version) == (
        SensorHello.STARTUP,
        True,
        "1.1",
    )


WITHOUT: dict[str, Callable[[], tuple[MsgToSensor, bool]]] = {
    "we do not want it": lambda: (hello(), False),
    "Central does not send it": lambda: (hello(sends=False), True),
    "Central cannot": lambda: (hello(capabilities=()), True),
}


@pytest.mark.parametrize("case", WITHOUT)
async def test_greet_without_reconciliation_reads_no_state(case: str) -> None:
    first, reconcile = WITHOUT[case]()
    greeting, _ = await run([first, *FIXED], reconcile=reconcile)
    assert (greeting.hashes, greeting.reconciles) == ({}, False)


BROKEN = {
    "no hello": [bare("cluster_config")],
    "stream ends": [hello()],
    "policies first": [hello(), FIXED[1], FIXED[0]],
    "chunk missing": [hello(), *FIXED, chunk(2, 2)],
    "chunk beyond the last": [hello(), *FIXED, chunk(1, 0)],
    "too many chunks": [hello(), *FIXED, chunk(1, 10**6)],
    "other message instead of state": [hello(), *FIXED, bare("audit_log_sync")],
}


@pytest.mark.parametrize("case", BROKEN)
async def test_greet_broken_order_is_refused(case: str) -> None:
    with pytest.raises(BadOrder, match="was due"):
        await run(BROKEN[case])


@pytest.mark.parametrize("second", [[], FIXED])
async def test_register_takes_the_hello_and_reads_no_further(second: list[MsgToSensor]) -> None:
    answers, sent = [hello(), *second], []

    async def read() -> MsgToSensor | None:
        return answers.pop(0) if answers else None

    async def write(message: MsgFromSensor) -> None:
        sent.append(message)

    introduction = Introduction(
        reconnect=False,
        reconcile=False,
        identification=SensorDeploymentIdentification(app_namespace="stackrox"),
        capabilities=(),
    )
    assert (await register(introduction, read, write)).cluster_id == "c"
    assert answers == second
    (said,) = sent
    assert (list(said.hello.capabilities), said.hello.request_deduper_state) == ([], False)


@pytest.mark.parametrize("answers", [[], [bare("policy_sync")]])
async def test_register_without_a_hello_is_refused(answers: list[MsgToSensor]) -> None:
    async def read() -> MsgToSensor | None:
        return answers[0] if answers else None

    async def write(message: MsgFromSensor) -> None:
        assert message.HasField("hello")

    introduction = Introduction(
        reconnect=False, reconcile=False, identification=SensorDeploymentIdentification()
    )
    with pytest.raises(BadOrder, match="where hello was due"):
        await register(introduction, read, write)
