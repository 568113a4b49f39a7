"""The commands with which docker, podman or buildah build and save an image.

Called by `__main__`, which runs them. Nothing is run here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ENGINES = ("docker", "podman", "buildah")


@dataclass(frozen=True, slots=True)
class Order:
    """One image to build."""

    containerfile: Path
    reference: str
    archive: Path
    base: str
    """An image; empty for the one that the Containerfile names."""
    version: str
    epoch: int
    extra: Sequence[str] = ()
    """More arguments for the engine's `build`."""


def build(engine: str, order: Order, context: Path) -> list[list[str]]:
    """Build and save: an archive as `docker save` writes it, times set to the epoch."""
    values = {"VERSION": order.version, "SOURCE_DATE_EPOCH": str(order.epoch)}
    if order.base:
        values["BASE"] = order.base
    arguments = [word for name, value in values.items() for word in ("--build-arg", f"{name}={value}")]
    arguments += [*order.extra, "--file", str(order.containerfile)]
    archive, reference = str(order.archive), order.reference
    if engine == "docker":
        # BuildKit's own exporter is the only one of Docker that sets the times of files.
        output = f"type=docker,name={reference},dest={archive},rewrite-timestamp=true"
        return [["docker", "buildx", "build", *arguments, "--output", output, str(context)]]
    same_times = [*arguments, "--timestamp", str(order.epoch), "--tag", reference, str(context)]
    if engine == "podman":
        save = ["podman", "save", "--format", "docker-archive", "--output", archive, reference]
        return [["podman", "build", *same_times], save]
    # Every further process of buildah's own isolation wants rights that a container seldom has.
    push = ["buildah", "push", reference, f"docker-archive:{archive}:{reference}"]
    return [["buildah", "build", "--isolation", "chroot", *same_times], push]


def import_base(engine: str, archive: Path, reference: str) -> list[list[str]]:
    """Make an image of the archive of a root, for `BASE`."""
    if engine != "buildah":
        return [[engine, "import", str(archive), reference]]
    name = "pyrox-base"
    return [
        ["buildah", "from", "--name", name, "scratch"],
        ["buildah", "add", "--quiet", name, str(archive), "/"],
        ["buildah", "commit", "--quiet", "--rm", name, reference],
    ]
