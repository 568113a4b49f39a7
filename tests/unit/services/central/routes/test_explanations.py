"""`GET /api/alerts/{id}/explanation`: who may, which part, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass, field

import orjson
import pytest
from fastapi import FastAPI

from pyrox.errors import NotFound
from pyrox.rpc.call import Call, Identity
from pyrox.rpc.scope import EVERYTHING
from services.central.routes.explanations import explanations_router
from services.central.routes.guard import Guard
from tests.support.asgi import request
from tests.support.routes import People, Reads, app_of, bearer

PATH = "/api/alerts/a1/explanation"


@dataclass
class Explainer:
    """Explains one alert, and keeps what was asked."""

    asked: list[tuple[str, int, int]] = field(default_factory=list)

    async def explain(self, alert_id: str, call: Call, *, offset: int, limit: int) -> dict[str, object]:
        assert call.scope("Alert") == EVERYTHING
        self.asked.append((alert_id, offset, limit))
        if alert_id != "a1":
            raise NotFound.because(f"alert with id '{alert_id}' does not exist")
        return {"alertId": alert_id}


def app_with(explainer: Explainer) -> FastAPI:
    people = People(
        reader=Identity(uid="r", grants=Reads("Alert", within=EVERYTHING)),
        other=Identity(uid="o", grants=Reads("Image", within=EVERYTHING)),
    )
    return app_of(explanations_router(explainer, Guard(authenticator=people)))


async def test_explanation_is_json_that_nobody_keeps() -> None:
    explainer = Explainer()
    answer = await request(app_with(explainer), "GET", PATH, headers=bearer("reader"))
    assert (answer.status, orjson.loads(answer.body)) == (200, {"alertId": "a1"})
    assert answer.headers["cache-control"] == "no-store, no-cache"
    assert explainer.asked == [("a1", 0, 100)]


async def test_part_of_the_violations_can_be_asked_for() -> None:
    explainer = Explainer()
    answer = await request(
        app_with(explainer), "GET", f"{PATH}?offset=100&limit=1000", headers=bearer("reader")
    )
    assert (answer.status, explainer.asked) == (200, [("a1", 100, 1000)])


@pytest.mark.parametrize(
    ("word", "path", "status", "says"),
    [
        ("", PATH, 401, "credentials"),
        ("bad", PATH, 401, "token"),
        ("other", PATH, 403, "Alert"),
        ("reader", "/api/alerts/a2/explanation", 404, "alert with id 'a2' does not exist"),
        ("reader", f"{PATH}?limit=0", 400, "limit must be a number from 1 to 1000"),
        ("reader", f"{PATH}?limit=1001", 400, "limit must be a number"),
        ("reader", f"{PATH}?offset=-1", 400, "offset must be a number"),
        ("reader", f"{PATH}?offset=x", 400, "not 'x'"),
    ],
)
async def test_refusals_have_the_body_of_the_rest_api(word: str, path: str, status: int, says: str) -> None:
    answer = await request(app_with(Explainer()), "GET", path, headers=bearer(word))
    body = orjson.loads(answer.body)
    assert (answer.status, body["message"]) == (status, body["error"])
    assert says in body["message"]
