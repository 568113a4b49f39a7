"""The demo images: what the scanner finds in them is what their files say."""

from __future__ import annotations

import gzip
import io
import json
from typing import Any

import pytest

from pyrox.scan import catalogue
from pyrox.scan.layer import index_layer
from services.local.simulated import images
from services.local.simulated.images import Images


@pytest.fixture(scope="module")
def built() -> Images:
    return images.build()


def manifest(built: Images, repository: str, tag: str) -> Any:
    return json.loads(built.bodies[built.manifests[repository, tag]])


def packages(built: Images, repository: str, tag: str) -> dict[tuple[str, str], str]:
    """Version by ecosystem and name, later layers over earlier ones; no note is tolerated."""
    found: dict[tuple[str, str], str] = {}
    for layer in manifest(built, repository, tag)["layers"]:
        plain = gzip.decompress(built.blobs[layer["digest"]])
        result = index_layer(io.BytesIO(plain), digest=layer["digest"], detectors=catalogue.detectors())
        finds = result.finds.merged()
        assert not finds.notes
        found |= {(package.ecosystem, package.name): package.version for package in finds.packages}
    return found


def test_at_least_a_dozen_images_are_built_and_the_same_ones_every_time(built: Images) -> None:
    assert len(built.repositories()) >= 12
    assert images.build().manifests == built.manifests


def test_every_image_is_read_without_a_complaint(built: Images) -> None:
    for repository in built.repositories():
        assert packages(built, repository, built.tags(repository)[0])


@pytest.mark.parametrize(
    ("repository", "tag", "package", "version"),
    [
        ("shop/cart", "latest", ("java", "org.apache.logging.log4j:log4j-core"), "2.14.1"),
        ("shop/cart", "2.3.0", ("java", "org.springframework:spring-beans"), "5.3.17"),
        ("shop/cart", "latest", ("dpkg", "libssl1.1"), "1.1.1k-1+deb11u1"),
        ("shop/checkout", "2.0.1", ("python", "django"), "3.2.4"),
        ("shop/frontend", "1.4.2", ("nodejs", "lodash"), "4.17.15"),
        ("shop/frontend", "1.4.2", ("apk", "libssl1.1"), "1.1.1k-r0"),
        ("batch/reporter", "latest", ("dpkg", "xz-utils"), "5.6.1-1"),
        ("legacy/intranet", "0.9", ("dpkg", "bash"), "4.2+dfsg-0.1"),
    ],
)
def test_packages_are_found_in_their_own_formats(
    built: Images, repository: str, tag: str, package: tuple[str, str], version: str
) -> None:
    assert packages(built, repository, tag)[package] == version


def test_blobs_are_what_their_digests_say_and_all_are_there(built: Images) -> None:
    for body in built.bodies.values():
        document = json.loads(body)
        for part in (document["config"], *document["layers"]):
            blob = built.blobs[part["digest"]]
            assert (images.digest(blob), len(blob)) == (part["digest"], part["size"])


def test_a_configuration_has_a_history_line_for_each_layer(built: Images) -> None:
    document = manifest(built, "shop/payments", "3.2.0")
    config = json.loads(built.blobs[document["config"]["digest"]])
    lines = [line for line in config["history"] if not line.get("empty_layer")]
    assert len(lines) == len(document["layers"]) == len(config["rootfs"]["diff_ids"])
    assert lines[1]["created_by"].startswith("/bin/sh -c apt-get update && apt-get install -y openssl")
    assert config["created"] == "2021-06-30T12:00:00Z"
    assert config["config"]["User"] == ""
    assert "22/tcp" in config["config"]["ExposedPorts"]


def test_the_cluster_reports_the_registrys_digests(built: Images) -> None:
    tagged = built.digest_of("127.0.10.5:5000/shop/cart:2.3.0")
    assert tagged == built.manifests["shop/cart", "2.3.0"]
    assert built.digest_of("127.0.10.5:5000/shop/cart") == built.manifests["shop/cart", "latest"]
    assert built.digest_of("elsewhere/x:1").startswith("sha256:")
