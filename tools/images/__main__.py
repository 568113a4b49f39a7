"""`python -m tools.images`: build the images, or say what they would be called.

Run by `make images`.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from tools.images import base, contents, engines, sbom
from tools.images.builder import Builder
from tools.images.context import Context
from tools.images.layers import Cache

ROOT = Path(__file__).resolve().parent.parent.parent
IMAGES = ("main", "central-db", "collector", "scanner-v4", "scanner-v4-db", "roxctl")
# One time for all files: layers stay the same from commit to commit. 1 January 2026; zip
# archives, which the roxctl download is, know no time before 1980.
EPOCH = 1767225600


def version() -> str:
    """The product's version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return str(project["version"])


def tool(wanted: str) -> str:
    """The tool to build with: the one that was asked for, else the first that works here."""
    if wanted != "auto":
        return wanted
    for name in ("docker", "podman"):
        if (
            shutil.which(name)
            and subprocess.run([name, "info"], capture_output=True, check=False).returncode == 0
        ):
            return name
    return "chroot"


def arguments(argv: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="tools.images", description="build the container images")
    parser.add_argument("--tool", default="auto", help="docker, podman, buildah, chroot (no engine), or auto")
    parser.add_argument(
        "--base",
        default="",
        help="a root (directory or archive), `debootstrap` for one made here, or an image for an engine",
    )
    parser.add_argument("--registry", default="localhost/pyrox", help="what stands before the images' names")
    parser.add_argument("--tag", default="", help="the images' tag; the version unless given")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "images")
    parser.add_argument(
        "--cache", type=Path, default=None, help="where finished layers are kept; OUTPUT/cache"
    )
    parser.add_argument("--extra", default="", help="more arguments for the engine's build")
    parser.add_argument("image", nargs="*", help=f"of {', '.join(IMAGES)}; all unless given")
    args = parser.parse_args(argv)
    if unknown := set(args.image) - set(IMAGES):
        parser.error(f"no image {', '.join(sorted(unknown))}; there are {', '.join(IMAGES)}")
    args.tag = args.tag or version()
    args.tool = tool(args.tool)
    args.image = args.image or list(IMAGES)
    if not args.base and args.tool == "chroot":
        args.base = base.OWN
    return args


def containerfile(name: str) -> Path:
    """Where an image's Containerfile lies."""
    return ROOT / "deploy" / "images" / name / "Containerfile"


def without_engine(args: argparse.Namespace, builder: Builder) -> None:
    """Follow the Containerfiles ourselves."""
    for name in args.image:
        image = builder.build(containerfile(name).read_text())
        builder.save(image, args.output / f"{name}.tar", [f"{args.registry}/{name}:{args.tag}"])
        report(args, name)


def with_engine(args: argparse.Namespace, builder: Builder, epoch: int) -> None:
    """Have an engine follow them, over a base that it is given first when that is no image."""
    root = args.base
    if root == base.OWN or (Path(root).exists() and root):
        root = f"{args.registry}/base:{args.tag}"
        _all(engines.import_base(args.tool, builder.root().tar, root))
    for name in args.image:
        order = engines.Order(
            containerfile=containerfile(name),
            reference=f"{args.registry}/{name}:{args.tag}",
            archive=args.output / f"{name}.tar",
            base=root,
            version=args.tag,
            epoch=epoch,
            extra=shlex.split(args.extra),
        )
        # An engine adds to an archive that is there, or refuses.
        order.archive.unlink(missing_ok=True)
        _all(engines.build(args.tool, order, ROOT))
        report(args, name)


def report(args: argparse.Namespace, name: str) -> None:
    """Write the bill of materials of a finished archive, and one line about it."""
    archive = args.output / f"{name}.tar"
    bill = archive.with_suffix(".spdx.json")
    if not bill.exists() or bill.stat().st_mtime_ns < archive.stat().st_mtime_ns:
        bill.write_text(sbom.document(contents.read(archive), epoch=args.epoch, version=args.tag))
    print(f"{archive}: {args.registry}/{name}:{args.tag}, {archive.stat().st_size / 1e6:.0f} MB", flush=True)


def _all(commands: list[list[str]]) -> None:
    for command in commands:
        subprocess.run(command, check=True)


def main(argv: list[str]) -> int:
    """Build; 0 when every archive is written."""
    args = arguments(argv)
    args.epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or EPOCH)
    if args.tool == "chroot" and os.geteuid() != 0:
        print("images: this needs root, or a container engine: IMAGE_TOOL=docker", file=sys.stderr)
        return 2
    args.cache = args.cache or args.output / "cache"
    for folder in (args.output, args.cache):
        folder.mkdir(parents=True, exist_ok=True)
    with (args.cache.with_name(args.cache.name + ".lock")).open("w") as lock:
        # Two builds would take each other's unfinished layers for leftovers.
        fcntl.flock(lock, fcntl.LOCK_EX)
        _build(args)
    return 0


def _build(args: argparse.Namespace) -> None:
    epoch: int = args.epoch
    cache = Cache(root=args.cache, epoch=epoch)
    builder = Builder(context=Context(root=ROOT), cache=cache, base=args.base, epoch=epoch, version=args.tag)
    if args.tool == "chroot":
        without_engine(args, builder)
        if set(args.image) == set(IMAGES):
            cache.prune()
    else:
        with_engine(args, builder, epoch)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
