"""`python -m tools.images`: build the images, or say what they would be called.

Run by `make images`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

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
        if shutil.which(name) and subprocess.run([name, "info"], capture_output=True, check=False).returncode == 0:
            return name
    return "chroot"


def arguments(argv: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="tools.images", description="build the container images")
    parser.add_argument("--tool", default="auto", help="docker, podman, buildah, chroot (no engine), or auto")
    parser.add_argument("--base", default="", help="a root (directory or archive), or an image for an engine")
    parser.add_argument("--registry", default="localhost/pyrox", help="what stands before the images' names")
    parser.add_argument("--tag", default="", help="the images' tag; the version unless given")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "images")
    parser.add_argument("image", nargs="*", choices=[*IMAGES, []], help="all unless given")
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    """Build; 0 when every archive is written."""
    args = arguments(argv)
    tag = args.tag or version()
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH") or EPOCH)
    args.output.mkdir(parents=True, exist_ok=True)
    if tool(args.tool) == "chroot" and os.geteuid() != 0:
        sys.stderr.write("images: without a container engine root is needed, or give IMAGE_TOOL=docker|podman|buildah\n")
        return 2
    cache = Cache(root=args.output / "cache", epoch=epoch)
    builder = Builder(context=Context(root=ROOT), cache=cache, base=args.base, epoch=epoch, version=tag)
    for name in args.image or IMAGES:
        image = builder.build((ROOT / "deploy" / "images" / name / "Containerfile").read_text())
        archive = args.output / f"{name}.tar"
        reference = f"{args.registry}/{name}:{tag}"
        builder.save(image, archive, [reference])
        print(f"{archive.relative_to(ROOT)}: {reference}, {archive.stat().st_size / 1e6:.0f} MB", flush=True)
    if not args.image:
        cache.prune()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
