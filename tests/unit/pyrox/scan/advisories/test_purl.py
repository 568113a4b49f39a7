"""Package URLs of Red Hat's documents, and texts that are none."""

from __future__ import annotations

import pytest

from pyrox.scan.advisories.purl import PackageUrl, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "pkg:rpm/redhat/curl@7.76.1-14.el9_0.9?arch=x86_64&epoch=1",
            PackageUrl("rpm", "redhat", "curl", "7.76.1-14.el9_0.9", {"arch": "x86_64", "epoch": "1"}),
        ),
        ("pkg:oci/openshift3/metrics-cassandra", PackageUrl("oci", "openshift3", "metrics-cassandra")),
        (
            "pkg:oci/a@sha256%3Aab?repository_url=registry.redhat.io/b/a&tag=v1.2-3",
            PackageUrl(
                "oci", "", "a", "sha256:ab", {"repository_url": "registry.redhat.io/b/a", "tag": "v1.2-3"}
            ),
        ),
        ("pkg:RPM/redhat/a%2Bb#sub/path", PackageUrl("rpm", "redhat", "a+b")),
        ("pkg:rpm/redhat/", PackageUrl("rpm", "", "redhat")),
        ("pkg:rpm", None),
        ("curl", None),
        ("pkg:rpm/redhat/" + "a" * 3000, None),
        ("pkg:rpm/redhat/a?" + "&".join(f"k{n}=v" for n in range(50)), None),
    ],
)
def test_parts_of_a_package_url(text: str, expected: PackageUrl | None) -> None:
    assert parse(text) == expected
