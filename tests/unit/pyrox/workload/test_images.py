"""Image names of workloads and their ids."""

from __future__ import annotations

import pytest

from pyrox.errors import Invalid
from pyrox.workload.images import digest_of_status, id_v2, is_pullable, parse_image

DIGEST = "sha256:0d4710549c7b400286aa2ad784ab492b6eed39957c6bda7586165c094c2a658a"

NAMES = {
    "short": ("nginx", ("docker.io", "library/nginx", "latest", "docker.io/library/nginx:latest")),
    "user": ("org/app:1", ("docker.io", "org/app", "1", "docker.io/org/app:1")),
    "old hub name": (
        "index.docker.io/nginx",
        ("docker.io", "library/nginx", "latest", "docker.io/library/nginx:latest"),
    ),
    "port": ("localhost:5000/a/b:v", ("localhost:5000", "a/b", "v", "localhost:5000/a/b:v")),
    "digest keeps no tag": (f"quay.io/a/b@{DIGEST}", ("quay.io", "a/b", "", f"quay.io/a/b@{DIGEST}")),
    "tag and digest": (f"quay.io/a/b:1@{DIGEST}", ("quay.io", "a/b", "1", f"quay.io/a/b:1@{DIGEST}")),
}


@pytest.mark.parametrize("case", NAMES)
def test_parse_image_written_form_gives_parts(case: str) -> None:
    text, expected = NAMES[case]
    name = parse_image(text).name
    assert (name.registry, name.remote, name.tag, name.full_name) == expected


def test_parse_image_digest_in_name_gives_ids() -> None:
    image = parse_image(f"gcr.io/distroless/java-base-debian11@{DIGEST}")
    assert image.id == DIGEST
    # The id of this image in a recorded conversation of upstream's Sensor.
    assert image.id_v2 == "74d6741b-841e-5510-bd63-f2b39241da87"


def test_id_v2_digest_unknown_is_empty() -> None:
    assert not id_v2("docker.io/library/nginx:latest", "")


def test_parse_image_override_replaces_docker_hub_only() -> None:
    assert (
        parse_image("nginx", registry_override="mirror:5000").name.full_name
        == "mirror:5000/library/nginx:latest"
    )
    assert parse_image("quay.io/a/b", registry_override="mirror:5000").name.registry == "quay.io"


def test_parse_image_bare_id_is_digest() -> None:
    assert parse_image(DIGEST[7:]).name.full_name == DIGEST


@pytest.mark.parametrize(
    "text",
    ["", "lower/UPPER", "a b", "x:", "x@sha256:12", "/x", "us.gcr.io/$PROJECT/x", "a" * 2000, "http://x/y"],
)
def test_parse_image_bad_text_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="error parsing image name"):
        parse_image(text)


def test_status_image_id_forms() -> None:
    assert digest_of_status(f"docker-pullable://nginx@{DIGEST}") == DIGEST
    assert not digest_of_status("docker-pullable://nginx:1")
    assert is_pullable(f"docker-pullable://nginx@{DIGEST}")
    assert is_pullable(f"quay.io/a/b@{DIGEST}")
    assert not is_pullable(f"docker://{DIGEST}")
    assert not is_pullable("not an image")
