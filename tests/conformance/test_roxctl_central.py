"""roxctl against our own Central: the two halves of the wire together."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pyrox.pg.settings import Settings
from tests.conftest import shared_folder
from tests.support.central import PASSWORD, RunningCentral, running_central
from tests.support.cli import Run, roxctl

pytestmark = [pytest.mark.needs("postgres")]
RECORDS = shared_folder() / "reference" / "observed" / "roxctl.ndjson"
TRANSPORTS = pytest.mark.parametrize(
    "transport", [{}, {"ROX_CLIENT_FORCE_HTTP1": "true"}], ids=["http2", "http1"]
)
PRIVILEGED = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: registry.invalid/web:latest
          securityContext: {privileged: true}
"""


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory, database: Settings) -> Iterator[RunningCentral]:
    without = {"ROX_SCANNER_V4": "false"}
    with running_central(tmp_path_factory.mktemp("central"), database, environment=without) as running:
        yield running


def run(central: RunningCentral, *arguments: str, **more: str) -> Run:
    environment = {
        "ROX_ENDPOINT": f"127.0.0.1:{central.port}",
        "ROX_CA_CERT_FILE": str(central.pki.ca_file),
        "ROX_ADMIN_PASSWORD": PASSWORD,
        **more,
    }
    return roxctl(*arguments, environment=environment)


def recorded(case: str) -> dict[str, Any]:
    found: dict[str, Any] = next(
        record for record in map(json.loads, RECORDS.read_text().splitlines()) if record["case"] == case
    )
    return found


@pytest.mark.needs("shared")
@TRANSPORTS
@pytest.mark.parametrize(
    "case", ["whoami", "central_login_bad", "init_bundles_list", "crs_list", "get_bundle_nosuch"]
)
def test_recorded_run_against_our_central(
    central: RunningCentral, case: str, transport: dict[str, str]
) -> None:
    record = recorded(case)
    done = run(central, *record["argv"][1:], **transport)
    assert (done.code, done.out, done.err) == (record["rc"], record["stdout"], record["stderr"])


@TRANSPORTS
def test_privileged_deployment_is_reported(
    central: RunningCentral, tmp_path: Path, transport: dict[str, str]
) -> None:
    (tmp_path / "web.yaml").write_text(PRIVILEGED)
    done = run(
        central,
        "deployment",
        "check",
        "--file",
        str(tmp_path / "web.yaml"),
        "-o",
        "json",
        "-r",
        "0",
        **transport,
    )
    assert done.err == ""
    [result] = json.loads(done.out)["results"]
    assert result["metadata"]["additionalInfo"] == {"name": "web", "namespace": "shop", "type": "Deployment"}
    assert "Privileged Container" in [policy["name"] for policy in result["violatedPolicies"]]


def test_init_bundle_lives_and_ends(central: RunningCentral, tmp_path: Path) -> None:
    file = tmp_path / "bundle.yaml"
    made = run(central, "central", "init-bundles", "generate", "ours", "--output-secrets", str(file))
    assert made.code == 0, made.err
    assert "kind: Secret" in file.read_text()
    assert "ours\t" in run(central, "central", "init-bundles", "list").out
    revoked = run(central, "central", "init-bundles", "revoke", "ours", "--force")
    assert revoked.err.endswith("INFO:\tRevoked 1 init bundle(s)\n")
    assert "ours" not in run(central, "central", "init-bundles", "list").out


def test_second_bundle_of_a_name_is_refused(central: RunningCentral) -> None:
    assert run(central, "central", "init-bundles", "generate", "twice", "--output", "-").code == 0
    again = run(central, "central", "init-bundles", "generate", "twice", "--output", "-")
    assert again.code == 1
    assert "code = AlreadyExists" in again.err


def test_ca_is_the_one_that_central_uses(central: RunningCentral) -> None:
    fetched = run(central, "central", "init-bundles", "fetch-ca", "--output", "-")
    first_line = central.pki.ca_file.read_text().splitlines()[1]
    assert first_line in fetched.out


def test_image_that_cannot_be_fetched_is_told(central: RunningCentral) -> None:
    done = run(central, "image", "scan", "-i", "registry.invalid/web:1", "-o", "json", "-r", "0", "-t", "20s")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(
        "ERROR:\timage scan failed: retrieving image scan result: "
        'could not scan image: "registry.invalid/web:1": rpc error: code = '
    )
