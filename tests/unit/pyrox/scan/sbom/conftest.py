"""An index report with every kind of package, and what a document says of itself."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pyrox.scan.model import Distribution, Environment, IndexReport, Kind, Package, Repository
from pyrox.scan.sbom.document import Document

LAYER = "sha256:" + "1" * 64


@pytest.fixture
def document() -> Document:
    return Document(
        name="sha256:abc",
        subject="registry.example/team/app:1",
        namespace="https://registry.example/team/app-00000000-0000-4000-8000-000000000000",
        created=datetime(2026, 11, 24, 17, 0, tzinfo=UTC),
        tool_version="4.11.0",
    )


@pytest.fixture
def report() -> IndexReport:
    system = Distribution(
        did="debian",
        name="Debian GNU/Linux",
        version="12 (bookworm)",
        version_id="12",
        pretty_name="Debian 12",
    )
    made = IndexReport()
    made.distributions["1"] = system
    made.repositories["1"] = Repository(name="pypi")
    database = "var/lib/dpkg/status"
    made.packages["2"] = Package(
        name="libc6", version="2.36-9", ecosystem="dpkg", package_db=database, arch="amd64",
        source_name="glibc", source_version="2.36-9",
    )  # fmt: skip
    made.packages["10"] = Package(
        name="libc-bin", version="2.36-9", ecosystem="dpkg", package_db=database, arch="amd64",
        source_name="glibc", source_version="2.36-9",
    )  # fmt: skip
    made.packages["4"] = Package(
        name="Requests", version="2.19.0", ecosystem="python", package_db="python:usr/lib", repository="pypi"
    )
    made.packages["5"] = Package(name="team/app", version="1-2", ecosystem="", kind=Kind.ANCESTRY)
    made.source_ids.update({"2": "1", "10": "1"})
    for key in ("2", "10"):
        made.environments[key] = (Environment(database, LAYER, distribution_id="1"),)
    made.environments["4"] = (Environment("python:usr/lib", LAYER, repository_ids=("1",)),)
    made.environments["5"] = (Environment("", LAYER),)
    return made
