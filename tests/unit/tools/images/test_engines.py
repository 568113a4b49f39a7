from __future__ import annotations

from pathlib import Path

import pytest

from tools.images.engines import Order, build, import_base

ORDER = Order(
    containerfile=Path("/src/deploy/images/main/Containerfile"),
    reference="localhost/pyrox/main:1",
    archive=Path("/out/main.tar"),
    base="localhost/pyrox/base:1",
    version="1",
    epoch=7,
    extra=("--pull",),
)


def test_docker_writes_the_archive_with_one_time_for_all_files() -> None:
    assert [" ".join(command) for command in build("docker", ORDER, Path("/src"))] == [
        (
            "docker buildx build --build-arg VERSION=1 --build-arg SOURCE_DATE_EPOCH=7"
            " --build-arg BASE=localhost/pyrox/base:1 --pull --file /src/deploy/images/main/Containerfile"
            " --output type=docker,name=localhost/pyrox/main:1,dest=/out/main.tar,rewrite-timestamp=true /src"
        )
    ]


@pytest.mark.parametrize(
    ("engine", "start", "save"),
    [
        (
            "podman",
            "podman build",
            "podman save --format docker-archive --output /out/main.tar localhost/pyrox/main:1",
        ),
        (
            "buildah",
            "buildah build --isolation chroot",
            "buildah push localhost/pyrox/main:1 docker-archive:/out/main.tar:localhost/pyrox/main:1",
        ),
    ],
)
def test_podman_and_buildah_build_with_one_time_and_save(engine: str, start: str, save: str) -> None:
    built, saved = (" ".join(command) for command in build(engine, ORDER, Path("/src")))
    assert built.startswith(start + " --build-arg VERSION=1")
    assert "--timestamp 7 --tag localhost/pyrox/main:1 /src" in built
    assert saved == save


def test_image_without_a_base_takes_the_one_of_its_file() -> None:
    order = Order(ORDER.containerfile, ORDER.reference, ORDER.archive, "", "1", 7)
    assert not any("BASE=" in word for word in build("docker", order, Path("/src"))[0])


def test_base_is_imported_under_its_name() -> None:
    archive = Path("/cache/layer.tar")
    assert import_base("docker", archive, "x/base:1") == [
        ["docker", "import", "/cache/layer.tar", "x/base:1"]
    ]
    assert [command[1] for command in import_base("buildah", archive, "x/base:1")] == [
        "from",
        "add",
        "commit",
    ]
