"""`/api/extensions/helm-charts/<name>.zip`: for whoever is logged in, in upstream's words."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from fastapi import FastAPI

from services.central.charts import Charts
from services.central.routes.guard import Guard
from services.central.routes.helm_charts import helm_charts_router
from tests.support.asgi import request
from tests.support.routes import People, app_of, bearer

PATH = "/api/extensions/helm-charts/"
CHART = "secured-cluster-services"


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    (tmp_path / CHART / "templates").mkdir(parents=True)
    (tmp_path / CHART / "Chart.yaml").write_text("name: stackrox-secured-cluster-services")
    (tmp_path / CHART / "templates" / "a.yaml").write_text("{{ .Values.a }}")
    return app_of(helm_charts_router(Charts(tmp_path), Guard(authenticator=People())))


async def test_chart_is_given_as_a_zip(app: FastAPI) -> None:
    answer = await request(app, "GET", f"{PATH}{CHART}.zip", headers=bearer("admin"))
    assert (answer.status, answer.headers["content-type"]) == (200, "application/zip")
    assert answer.headers["content-disposition"] == f'attachment; filename="{CHART}.zip"'
    assert answer.headers["content-length"] == str(len(answer.body))
    archive = zipfile.ZipFile(io.BytesIO(answer.body))
    assert {name: archive.read(name) for name in archive.namelist()} == {
        "Chart.yaml": b"name: stackrox-secured-cluster-services",
        "templates/a.yaml": b"{{ .Values.a }}",
    }


async def test_chart_is_the_same_each_time(app: FastAPI) -> None:
    first, second = [await request(app, "GET", f"{PATH}{CHART}.zip", headers=bearer("admin")) for _ in "12"]
    assert first.body == second.body


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("scanner.zip", 'unknown chart "scanner"\n'),
        ("central-services.zip", 'unknown chart "central-services"\n'),
        (CHART, f'unknown path "/{CHART}"\n'),
        (".zip", 'unknown path "/.zip"\n'),
        ("a/b.zip", 'unknown path "/a/b.zip"\n'),
        ("", 'unknown path "/"\n'),
    ],
)
async def test_another_chart_is_not_found(app: FastAPI, path: str, told: str) -> None:
    answer = await request(app, "GET", PATH + path, headers=bearer("admin"))
    assert (answer.status, answer.body.decode()) == (404, told)


async def test_another_method_is_refused(app: FastAPI) -> None:
    answer = await request(app, "POST", f"{PATH}{CHART}.zip", headers=bearer("admin"))
    assert (answer.status, answer.body) == (405, b'method "POST" not allowed\n')


async def test_strangers_are_refused(app: FastAPI) -> None:
    answer = await request(app, "GET", f"{PATH}{CHART}.zip")
    assert answer.status == 401
    assert b"PK" not in answer.body
