"""Follow a Containerfile without a container engine: overlayfs, chroot, a cache of layers.

Called by `__main__`. Needs root and Linux. One step is one layer under a key made of the
layer below, the instruction and the content that it reads; a key that is in the cache is
not built again. Steps run in mount and process namespaces of their own, so that nothing
stays mounted or running, however they end.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tools.images import base, containerfile
from tools.images.containerfile import Containerfile, Instruction, Stage, Unreadable, expand
from tools.images.context import Context
from tools.images.layers import Cache, Layer, write_archive

_SYSTEM_CAS = "/etc/ssl/certs/ca-certificates.crt"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
# Positional: merged root, lower directories, upper, work, then pairs of bind source and target.
_ENTER = r"""
set -eu
root=$1 lower=$2 upper=$3 work=$4; shift 4
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$upper,workdir=$work,index=off,metacopy=off" "$root"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for name in null zero full random urandom tty; do
    touch "$root/dev/$name"; mount --bind "/dev/$name" "$root/dev/$name"
done
mkdir -m 1777 "$root/dev/shm"; ln -s /proc/self/fd "$root/dev/fd"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount --bind /etc/resolv.conf "$root/etc/resolv.conf"
if [ -r "$SSL_CERT_FILE" ]; then cp "$SSL_CERT_FILE" "$root/tmp/.ca"; fi
unset SSL_CERT_FILE
while [ "$1" != -- ]; do
    if [ -d "$1" ]; then mkdir -p "$root/$2"; else mkdir -p "$(dirname "$root/$2")"; touch "$root/$2"; fi
    mount --bind -o ro "$1" "$root/$2"; shift 2
done
shift
chroot=$(command -v chroot)
PATH=$IMAGE_PATH; unset IMAGE_PATH
exec "$chroot" "$root" /bin/sh -c "$1"
"""


@dataclass(frozen=True, slots=True)
class Image:
    """What a stage has come to: its layers and its configuration."""

    key: str
    layers: tuple[Layer, ...] = ()
    config: Mapping[str, object] = field(default_factory=dict)
    history: tuple[Mapping[str, object], ...] = ()

    def environment(self) -> dict[str, str]:
        """The variables that `ENV` has set so far."""
        listed = self.config.get("Env", [f"PATH={_PATH}"])
        assert isinstance(listed, list)  # noqa: S101 - written by `_configure` alone
        return dict(entry.split("=", 1) for entry in listed)


class Builder:
    """Builds images one after another over one cache."""

    def __init__(self, *, context: Context, cache: Cache, base: str, epoch: int, version: str) -> None:
        self._context = context
        self._cache = cache
        self._base = base
        self._epoch = epoch
        self._version = version

    def build(self, text: str) -> Image:
        """Follow a Containerfile to its last stage."""
        file = containerfile.parse(text)
        done: dict[str, Image] = {}
        for stage in file.needed():
            start = done.get(stage.base) or self._start(
                expand(stage.base, {**file.arguments, "BASE": "BASE"})
            )
            done[stage.name] = self._stage(stage, start, done, file)
        return done[file.stages[-1].name]

    def root(self) -> Layer:
        """The base root as a layer."""
        key = base.key(self._base)
        layer = self._cache.get(key)
        if layer is None:
            base.make(self._base, self._empty(key))
            layer = self._cache.seal(key, "base")
        return layer

    def save(self, image: Image, target: Path, tags: Sequence[str]) -> str:
        """Write an image's archive; returns its id."""
        created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self._epoch))
        config: dict[str, object] = {
            "created": created,
            "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
            "os": "linux",
            "config": dict(image.config),
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.digest}" for layer in image.layers]},
            "history": [{"created": created, **entry} for entry in image.history],
        }
        return write_archive(target, config=config, layers=list(image.layers), tags=list(tags))

    def _start(self, name: str) -> Image:
        if name != "BASE":
            raise Unreadable(f"FROM {name}: without a container engine an image starts from ${{BASE}}")
        layer = self.root()
        return Image(layer.key, (layer,), {"Env": [f"PATH={_PATH}"]}, ({"created_by": "base root"},))

    def _stage(self, stage: Stage, image: Image, done: Mapping[str, Image], file: Containerfile) -> Image:
        arguments: dict[str, str] = {}
        given = {"SOURCE_DATE_EPOCH": str(self._epoch), "VERSION": self._version}
        for step in stage.instructions:
            if step.keyword == "ARG":
                name, _, default = step.text.partition("=")
                arguments[name] = given.get(name) or default or file.arguments.get(name, "")
            elif step.keyword == "RUN":
                image = self._run(step, image, arguments)
            elif step.keyword == "COPY":
                image = self._copy(step, image, done)
            else:
                image = _configure(step, image, {**image.environment(), **arguments})
        return image

    def _run(self, step: Instruction, image: Image, arguments: Mapping[str, str]) -> Image:
        environment = {**image.environment(), **arguments, "HOME": "/root"}
        binds = [(str(self._context.root / m["source"]), m["target"]) for m in step.mounts()]
        seen = [self._context.digest(mount["source"]) for mount in step.mounts()]
        key = _hash(image.key, "RUN", step.text, str(sorted(environment.items())), str(step.mounts()), *seen)
        layer = self._cache.get(key)
        if layer is None:
            self._chroot(step, image, binds, environment, self._empty(key))
            layer = self._cache.seal(key, step.text)
        return _on(image, layer, f"RUN {step.text}")

    def _chroot(
        self,
        step: Instruction,
        image: Image,
        binds: Sequence[tuple[str, str]],
        environment: Mapping[str, str],
        upper: Path,
    ) -> None:
        work, root = upper.with_name("work"), upper.with_name("root")
        work.mkdir()
        root.mkdir()
        command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "/bin/sh", "-c", _ENTER, "enter"]
        command += [str(root), _lower(image), str(upper), str(work)]
        command += [word for bind in binds for word in bind] + ["--", step.text]
        # Until it changes its root the script needs this machine's programs.
        variables = {**_network(), **environment, "PATH": _PATH, "IMAGE_PATH": environment["PATH"]}
        ended = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
        if ended.returncode:
            raise SystemExit(
                f"line {step.line}: RUN {step.text}\n{ended.stdout[-4000:]}{ended.stderr[-4000:]}"
            )
        shutil.rmtree(work)
        root.rmdir()

    def _copy(self, step: Instruction, image: Image, done: Mapping[str, Image]) -> Image:
        *sources, target = step.words()
        origin = step.flag("from")
        # Of another stage the content counts, not how it came about.
        seen = (
            [layer.digest for layer in done[origin].layers]
            if origin
            else [self._context.digest(source) for source in sources]
        )
        key = _hash(image.key, "COPY", str(step.flags), step.text, *seen)
        layer = self._cache.get(key)
        if layer is None:
            diff = self._empty(key)
            for source in sources:
                place = diff / target.strip("/")
                if target.endswith("/") and (origin or (self._context.root / source).is_file()):
                    place = place if origin else place / Path(source).name
                self._bring(source, place, done.get(origin))
            layer = self._cache.seal(key, step.text)
        return _on(image, layer, f"COPY {step.text}")

    def _bring(self, source: str, place: Path, origin: Image | None) -> None:
        if origin is None:
            self._context.copy(source, place)
            return
        for layer in origin.layers:
            found = layer.directory / source.strip("/")
            if found.is_dir():
                place.mkdir(mode=0o755, parents=True, exist_ok=True)
                subprocess.run(["cp", "-a", f"{found}/.", str(place)], check=True)

    def _empty(self, key: str) -> Path:
        folder = self._cache.folder(key)
        if folder.exists():  # left by a build that was interrupted
            shutil.rmtree(folder)
        diff = folder / "diff"
        diff.mkdir(parents=True)
        diff.chmod(0o755)
        return diff


def _network() -> dict[str, str]:
    """How this machine reaches package registries: proxies, and its CAs when a proxy needs them."""
    proxies = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
    return {**proxies, "SSL_CERT_FILE": os.environ.get("SSL_CERT_FILE") or _SYSTEM_CAS}


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _lower(image: Image) -> str:
    return ":".join(str(layer.directory) for layer in reversed(image.layers))


def _on(image: Image, layer: Layer, about: str) -> Image:
    history = (*image.history, {"created_by": about})
    return replace(image, key=layer.key, layers=(*image.layers, layer), history=history)


def _configure(step: Instruction, image: Image, values: Mapping[str, str]) -> Image:
    """The image with one more setting; nothing is run and no layer made."""
    text = expand(step.text, values)
    config = dict(image.config)
    if step.keyword == "ENV":
        merged = {**image.environment(), **containerfile.pairs(text)}
        config["Env"] = [f"{name}={value}" for name, value in merged.items()]
    elif step.keyword == "LABEL":
        config["Labels"] = {**_mapping(config, "Labels"), **containerfile.pairs(text)}
    elif step.keyword == "EXPOSE":
        ports: dict[str, object] = {port if "/" in port else f"{port}/tcp": {} for port in text.split()}
        config["ExposedPorts"] = {**_mapping(config, "ExposedPorts"), **ports}
    elif step.keyword in {"ENTRYPOINT", "CMD"}:
        config[step.keyword.capitalize()] = replace(step, text=text).words()
    else:
        names = {"USER": "User", "WORKDIR": "WorkingDir", "STOPSIGNAL": "StopSignal"}
        config[names[step.keyword]] = text
    entry = {"created_by": f"{step.keyword} {text}", "empty_layer": True}
    return replace(image, config=config, history=(*image.history, entry))


def _mapping(config: Mapping[str, object], name: str) -> dict[str, object]:
    found = config.get(name, {})
    return dict(found) if isinstance(found, dict) else {}
