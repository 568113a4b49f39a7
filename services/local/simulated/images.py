"""The images of the demo registry, built in memory from `services/local/images`.

Package databases are in the formats of their distributions, so an Indexer reads them as
it reads those of a real image. The same files give the same digests. It must not know
HTTP.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import tomllib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).resolve().parents[1] / "images"
MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG_TYPE = "application/vnd.docker.container.image.v1+json"
_LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar.gzip"
Json = dict[str, Any]


@dataclass(slots=True)
class Images:
    """Everything that the registry serves."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    """Layers and configurations by digest."""
    manifests: dict[tuple[str, str], str] = field(default_factory=dict)
    """Digest of a manifest by repository and tag, or digest."""
    bodies: dict[str, bytes] = field(default_factory=dict)
    """Manifests by digest."""

    def digest_of(self, reference: str) -> str:
        """The digest that a cluster reports for `host/repository:tag`, made up when it is not ours."""
        path = reference.partition("/")[2]
        repository, colon, tag = path.rpartition(":")
        known = self.manifests.get((repository, tag)) if colon else self.manifests.get((path, "latest"))
        return known or f"sha256:{hashlib.sha256(reference.encode()).hexdigest()}"

    def repositories(self) -> list[str]:
        """Names of all repositories."""
        return sorted({repository for repository, _ in self.manifests})

    def tags(self, repository: str) -> list[str]:
        """Tags of one repository."""
        return sorted(t for name, t in self.manifests if name == repository and ":" not in t)

    def add(self, image: Mapping[str, Any], base: Mapping[str, Any]) -> None:
        """Build one image and serve it under its tags."""
        builder = _Builder(image["created"])
        builder.base(base)
        for layer in image.get("layer", []):
            builder.layer(layer)
        config = builder.config(image)
        layers = [_part(_LAYER_TYPE, packed) for packed in builder.layers]
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": _part(_CONFIG_TYPE, config),
            "layers": layers,
        }
        body = json.dumps(manifest, indent=3).encode()
        for blob in (config, *builder.layers):
            self.blobs[digest(blob)] = blob
        self.bodies[digest(body)] = body
        for tag in (*image["tags"], digest(body)):
            self.manifests[image["repository"], tag] = digest(body)


def build(source: Path = SOURCE) -> Images:
    """All images of the data files."""
    bases = tomllib.loads((source / "bases.toml").read_text(encoding="utf-8"))
    images = Images()
    for image in tomllib.loads((source / "images.toml").read_text(encoding="utf-8"))["image"]:
        images.add(image, bases[image["base"]])
    return images


def digest(content: bytes) -> str:
    """The digest by which registries name content."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _part(media_type: str, content: bytes) -> Json:
    return {"mediaType": media_type, "size": len(content), "digest": digest(content)}


class _Builder:
    """Layers and history of one image."""

    def __init__(self, created: datetime) -> None:
        self._created = created
        self.layers: list[bytes] = []
        self._diffs: list[str] = []
        self._history: list[Json] = []
        # A package database is one file: a later layer holds all of it again.
        self._dpkg: dict[str, str] = {}
        self._apk: dict[str, str] = {}

    def base(self, base: Mapping[str, Any]) -> None:
        """The root file system."""
        release = "".join(f'{key}="{value}"\n' for key, value in base["release"].items())
        files = {"etc/os-release": release, "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n"}
        self._add(f"/bin/sh -c #(nop) {base['from']} ", base, files)
        self._history.append(self._line('/bin/sh -c #(nop)  CMD ["sh"]', empty=True))

    def layer(self, layer: Mapping[str, Any]) -> None:
        """What one instruction added."""
        by = str(layer["by"])
        words = by.removeprefix("RUN ")
        self._add(f"/bin/sh -c {words}" if by.startswith("RUN ") else f"/bin/sh -c #(nop) {by} ", layer, {})

    def _add(self, by: str, layer: Mapping[str, Any], files: Mapping[str, str]) -> None:
        content: dict[str, bytes] = {path: text.encode() for path, text in files.items()}
        for path, text in layer.get("files", {}).items():
            content[path] = text.encode()
        if "dpkg" in layer:
            self._dpkg.update(_dpkg(text) for text in layer["dpkg"])
            content["var/lib/dpkg/status"] = "\n".join(self._dpkg.values()).encode()
        if "apk" in layer:
            self._apk.update(_apk(text) for text in layer["apk"])
            content["lib/apk/db/installed"] = "\n".join(self._apk.values()).encode()
        for text in layer.get("python", []):
            content.update(_python(text))
        for text in layer.get("node", []):
            content.update(_node(text))
        for text in layer.get("java", []):
            content.update(_java(text, self._created))
        plain = _tar(content, self._created)
        self.layers.append(gzip.compress(plain, mtime=0))
        self._diffs.append(digest(plain))
        self._history.append(self._line(by, empty=False))

    def _line(self, by: str, *, empty: bool) -> Json:
        line: Json = {"created": self._stamp(), "created_by": by}
        return {**line, "empty_layer": True} if empty else line

    def _stamp(self) -> str:
        return self._created.strftime("%Y-%m-%dT%H:%M:%SZ")

    def config(self, image: Mapping[str, Any]) -> bytes:
        """The configuration, after all layers."""
        for port in image.get("ports", []):
            self._history.append(self._line(f"/bin/sh -c #(nop)  EXPOSE {port}", empty=True))
        if image.get("user"):
            self._history.append(self._line(f"/bin/sh -c #(nop)  USER {image['user']}", empty=True))
        entrypoint = json.dumps(image["entrypoint"])
        self._history.append(self._line(f"/bin/sh -c #(nop)  ENTRYPOINT {entrypoint}", empty=True))
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        config = {
            "User": image.get("user", ""),
            "ExposedPorts": {port: {} for port in image.get("ports", [])},
            "Env": [path, *image.get("env", [])],
            "Entrypoint": image["entrypoint"],
            "Labels": image.get("labels", {}),
        }
        document = {
            "architecture": "amd64",
            "os": "linux",
            "created": self._stamp(),
            "author": "PyRox demo",
            "config": config,
            "history": self._history,
            "rootfs": {"type": "layers", "diff_ids": self._diffs},
        }
        return json.dumps(document).encode()


def _words(text: str) -> tuple[str, str, str, str]:
    """Name, version, source and the source's version of a package's line."""
    name, version, *rest = text.split()
    source = rest[0] if rest else name
    return name, version, source, rest[1] if len(rest) > 1 else version


def _dpkg(text: str) -> tuple[str, str]:
    name, version, source, source_version = _words(text)
    origin = source if source_version == version else f"{source} ({source_version})"
    lines = [
        f"Package: {name}",
        "Status: install ok installed",
        "Priority: optional",
        "Section: misc",
        "Maintainer: Debian maintainers",
        "Architecture: amd64",
        *([f"Source: {origin}"] if origin != name else []),
        f"Version: {version}",
        f"Description: {name}",
        "",
    ]
    return name, "\n".join(lines)


def _apk(text: str) -> tuple[str, str]:
    name, version, source, _ = _words(text)
    lines = [f"P:{name}", f"V:{version}", "A:x86_64", f"T:{name}", f"o:{source}", ""]
    return name, "\n".join(lines)


def _python(text: str) -> dict[str, bytes]:
    name, version, *_ = _words(text)
    place = f"usr/local/lib/python3/dist-packages/{name.replace('-', '_')}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\n"
    return {f"{place}/METADATA": metadata.encode(), f"{place}/INSTALLER": b"pip\n"}


def _node(text: str) -> dict[str, bytes]:
    name, version, *_ = _words(text)
    manifest = json.dumps({"name": name, "version": version})
    return {f"srv/app/node_modules/{name}/package.json": manifest.encode()}


def _java(text: str, created: datetime) -> dict[str, bytes]:
    name, version, *_ = _words(text)
    group, _, artifact = name.partition(":")
    properties = f"groupId={group}\nartifactId={artifact}\nversion={version}\n"
    heads = (
        "Manifest-Version: 1.0",
        f"Implementation-Title: {artifact}",
        f"Implementation-Version: {version}",
    )
    manifest = "".join(f"{line}\r\n" for line in (*heads, ""))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as jar:
        for path, content in (
            ("META-INF/MANIFEST.MF", manifest),
            (f"META-INF/maven/{group}/{artifact}/pom.properties", properties),
        ):
            jar.writestr(zipfile.ZipInfo(path, created.timetuple()[:6]), content)
    return {f"srv/lib/{artifact}-{version}.jar": out.getvalue()}


def _tar(files: Mapping[str, bytes], created: datetime) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        folders: set[str] = set()
        for path in sorted(files):
            parents = [str(p) for p in Path(path).parents if str(p) != "."]
            for folder in reversed(parents):
                if folder not in folders:
                    folders.add(folder)
                    archive.addfile(_entry(folder, 0o755, created, tarfile.DIRTYPE))
            entry = _entry(path, 0o755 if path.endswith(".sh") else 0o644, created, tarfile.REGTYPE)
            entry.size = len(files[path])
            archive.addfile(entry, io.BytesIO(files[path]))
    return out.getvalue()


def _entry(path: str, mode: int, created: datetime, kind: bytes) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path)
    entry.mode, entry.mtime, entry.type = mode, int(created.timestamp()), kind
    return entry
