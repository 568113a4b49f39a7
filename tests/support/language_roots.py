"""File systems with packages of one language each, made by its own tools, and what these list.

Parts come from the package indexes that the tools are set up for; gems and PHP packages are
built here, since their tools install from local files alone.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import Version

from pyrox.scan import catalogue
from pyrox.scan.coalesce import coalesce
from pyrox.scan.layer import index_layer
from pyrox.scan.model import IndexReport
from tests.support import real_image
from tests.support.real_image import run

Names = set[tuple[str, str]]
PIP = (
    "setuptools==75.1.0",
    "wheel==0.44.0",
    "requests==2.19.0",
    "ruamel.yaml==0.17.21",
    "jaraco.text==4.0.0",
)
"""setuptools carries copies of others inside itself; two have a dot in their name."""
NPM = (
    "resolve@1.22.8",
    "lodash@4.17.4",
    "@babel/code-frame@7.12.13",
    "semver-old@npm:semver@5.7.1",
)
"""resolve ships its tests, with package.json files and node_modules of their own."""
GO_MODULE = """module example.org/app

go 1.21

require (
	github.com/google/uuid v1.3.0
	golang.org/x/text v0.3.7
	example.org/local v1.0.0
)

replace golang.org/x/text => golang.org/x/text v0.3.8

replace example.org/local => ./local
"""
GO_MAIN = """package main

import (
	"fmt"

	"example.org/local"
	"github.com/google/uuid"
	"golang.org/x/text/language"
)

func main() { fmt.Println(uuid.New(), language.English, local.Name) }
"""
GO_BUILDS = {
    "plain": ({}, ()),
    "stripped": ({}, ("-ldflags=-s -w", "-trimpath")),
    "app.exe": ({"GOOS": "windows"}, ()),
    "arm": ({"GOARCH": "arm", "GOARM": "7"}, ()),
    "mips": ({"GOARCH": "mips"}, ()),
    "pie": ({}, ("-buildmode=pie",)),
}
SHADED = "org.apache.hadoop.thirdparty:hadoop-shaded-guava:1.1.1"
JARS = (
    "org.apache.logging.log4j:log4j-core:2.14.1",
    "commons-io:commons-io:2.6",
    "com.h2database:h2:1.4.200",
    SHADED,
)
GEMS = (("made", "1.2.0.pre1"), ("other-gem", "0.10.0"), ("native_gem", "2.0.0"))


def index(root: Path) -> IndexReport:
    """What the scanner makes of the root, as one layer."""
    tar = subprocess.Popen(("tar", "-C", str(root), "-cf", "-", "."), stdout=subprocess.PIPE)
    assert tar.stdout is not None
    with tar, tar.stdout:
        found = index_layer(tar.stdout, digest="sha256:0", detectors=catalogue.detectors())
    assert tar.returncode == 0
    return coalesce([found.finds])


def found(report: IndexReport, ecosystem: str) -> list[tuple[str, str]]:
    """The packages of an ecosystem, one for each place."""
    return [
        (package.name, package.version)
        for key, places in report.environments.items()
        if (package := report.packages[key]).ecosystem == ecosystem
        for _ in places
    ]


def python(root: Path) -> Names:
    """A virtual environment, an egg-info directory and a bare egg-info file; `pip list` of it."""
    run(sys.executable, "-m", "venv", "--without-pip", str(root))
    site = next(root.glob("lib/python3*/site-packages"))
    quiet = ("--quiet", "--no-deps", "--no-compile", "--no-warn-conflicts")
    run(sys.executable, "-m", "pip", "install", *quiet, "--target", str(site), *PIP)
    (site / "eggs.egg-info").mkdir()
    (site / "eggs.egg-info/PKG-INFO").write_text("Metadata-Version: 1.0\nName: Eggs\nVersion: 1.0.RC1\n")
    (site / "bare-2.0-py3.11.egg-info").write_text(
        "Metadata-Version: 1.0\nName: bare\nVersion: 2.0+local.1\n"
    )
    (site / "~left-1.0.dist-info").mkdir()
    (site / "~left-1.0.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: left\nVersion: 1.0\n")
    assert list(site.glob("setuptools/_vendor/*.dist-info")), "setuptools carries nothing any more"
    listed = json.loads(run(sys.executable, "-m", "pip", "list", "--format=json", "--path", str(site)))
    return {(str(canonicalize_name(one["name"])), str(Version(one["version"]))) for one in listed}


def node(root: Path) -> Names:
    """A project; `npm ls` of it."""
    (root / "package.json").write_text(json.dumps({"name": "app", "version": "1.0.0"}))
    real_image.npm("install", "--no-audit", "--no-fund", "--ignore-scripts", *NPM, cwd=root)
    lines = real_image.npm("ls", "--all", "--parseable", "--long", cwd=root).splitlines()
    listed = [line.partition(":") for line in lines]
    # An alias is listed as `alias@npm:name@version`.
    names = [full.rpartition("@npm:")[2].split(":")[0] for path, _, full in listed if path != str(root)]
    return {(name.rpartition("@")[0], name.rpartition("@")[2]) for name in names}


def go(root: Path) -> dict[str, Names]:
    """Executables for several systems and machines; `go version -m` of each."""
    source = root.parent / "go-source"
    (source / "local").mkdir(parents=True)
    (source / "go.mod").write_text(GO_MODULE)
    (source / "main.go").write_text(GO_MAIN)
    (source / "local/go.mod").write_text("module example.org/local\n")
    (source / "local/local.go").write_text('package local\n\nconst Name = "local"\n')
    run("go", "mod", "tidy", cwd=source)
    for name, (environment, flags) in GO_BUILDS.items():
        settings = [f"{key}={value}" for key, value in {"CGO_ENABLED": "0", **environment}.items()]
        run("env", *settings, "go", "build", *flags, "-o", str(root / name), ".", cwd=source)
    return {name: _go_version(root / name) for name in GO_BUILDS}


def _go_version(program: Path) -> Names:
    lines = [line.strip().split("\t") for line in run("go", "version", "-m", str(program)).splitlines()]
    listed = [("stdlib", lines[0][0].rpartition(" go")[2])]
    for word, *rest in lines[1:]:
        if word == "=>":
            listed[-1] = (rest[0], rest[1])
        elif word in {"mod", "dep"}:
            listed.append((rest[0], rest[1]))
    return set(listed)


def java(root: Path) -> Names:
    """Jars as Maven fetches them, a Spring Boot application and an ear around them; their pom.properties."""
    lib = root / "lib"
    lib.mkdir()
    wanted = "".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version></dependency>"
        for group, name, version in (coordinates.split(":") for coordinates in JARS)
    )
    (lib / "pom.xml").write_text(
        "<project><modelVersion>4.0.0</modelVersion><groupId>test</groupId><artifactId>test</artifactId>"
        f"<version>1</version><dependencies>{wanted}</dependencies></project>"
    )
    copy = ("dependency:copy-dependencies", "-DexcludeTransitive", "-DoutputDirectory=.")
    run("mvn", "--batch-mode", "--quiet", *copy, cwd=lib)
    (lib / "pom.xml").unlink()
    jars = sorted(lib.glob("*.jar"))
    assert len(jars) == len(JARS)
    _packed(root / "boot.jar", {f"BOOT-INF/lib/{jar.name}": jar for jar in jars[:2]}, zipfile.ZIP_STORED)
    _packed(root / "web.war", {f"WEB-INF/lib/{jar.name}": jar for jar in jars[2:]}, zipfile.ZIP_DEFLATED)
    _packed(
        root / "all.ear",
        {"web.war": root / "web.war", "lib/boot.jar": root / "boot.jar"},
        zipfile.ZIP_DEFLATED,
    )
    return {pair for jar in sorted(root.rglob("*.*ar")) for pair in _poms(jar, root.parent)}


def _packed(path: Path, members: dict[str, Path], how: int) -> None:
    with zipfile.ZipFile(path, "w", how) as archive:
        archive.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\nStart-Class: x.Main\n")
        for name, source in members.items():
            archive.write(source, name)


def _poms(jar: Path, scratch: Path) -> Iterator[tuple[str, str]]:
    """What `unzip -p` prints of each pom.properties, of inner archives too."""
    for name in run("unzip", "-Z1", str(jar)).splitlines():
        if name.startswith("META-INF/") and name.endswith("/pom.properties"):
            lines = run("unzip", "-p", str(jar), name).splitlines()
            values = dict(line.strip().split("=", 1) for line in lines if "=" in line)
            yield f"{values['groupId']}:{values['artifactId']}", values["version"]
        elif name.endswith((".jar", ".war")):
            inner = scratch / f"inner-{jar.name}-{Path(name).name}"
            with inner.open("wb") as file:
                subprocess.run(("unzip", "-p", str(jar), name), stdout=file, check=True, timeout=60)
            yield from _poms(inner, scratch)
            inner.unlink()


def ruby(root: Path) -> Names:
    """Gems that `gem build` made, and the interpreter's own; `gem list --local` of them."""
    source, home = root.parent / "gem-source", root / "usr/local/gems"
    source.mkdir()
    for name, version in GEMS:
        (source / "x.rb").write_text("")
        (source / f"{name}.gemspec").write_text(
            f"N = '{version}'\nGem::Specification.new do |s|\n  s.name = '{name}'\n  s.version = N\n"
            "  s.summary = 'x'\n  s.authors = ['x']\n  s.files = ['x.rb']\n"
            f"{'  s.platform = Gem::Platform::CURRENT' if name.startswith('native') else ''}\nend\n"
        )
        run("gem", "build", "--quiet", f"{name}.gemspec", cwd=source)
    files = [str(path) for path in source.glob("*.gem")]
    run("gem", "install", "--quiet", "--local", "--no-document", "--install-dir", str(home), *files)
    paths = run(
        "ruby", "-e", "puts Gem.path, Gem.default_dir, File.dirname(Gem.default_specifications_dir, 2)"
    )
    for place in {line for line in paths.splitlines() if Path(line, "specifications").is_dir()}:
        shutil.copytree(
            Path(place, "specifications"), root / place.lstrip("/") / "specifications", dirs_exist_ok=True
        )
    lists = run("env", f"GEM_HOME={home}", f"GEM_PATH={':'.join(paths.split())}", "gem", "list", "--local")
    return {
        (line.split(" ")[0], re.sub(r"^default: ", "", version).split(" ")[0])
        for line in lists.splitlines()
        if (versions := re.search(r"\((.*)\)$", line))
        for version in versions[1].split(", ")
    }


def php(root: Path) -> Names:
    """An application with local packages; `composer show` of it."""
    for name, version in (("acme/one", "1.2.3"), ("acme/two", "v2.0.0-beta1"), ("acme/dev", "0.1.0")):
        package = root.parent / "php-source" / name
        package.mkdir(parents=True)
        (package / "composer.json").write_text(json.dumps({"name": name, "version": version}))
    (root / "composer.json").write_text(
        json.dumps(
            {
                "name": "acme/app",
                "repositories": [
                    {"type": "path", "url": "../php-source/acme/*", "options": {"symlink": False}},
                    {"packagist.org": False},
                ],
                "require": {"acme/one": "*", "acme/two": "^2@beta"},
                "require-dev": {"acme/dev": "*"},
            }
        )
    )
    composer = (
        "env",
        "COMPOSER_ALLOW_SUPERUSER=1",
        f"COMPOSER_HOME={root.parent / 'composer-home'}",
        "composer",
    )
    run(*composer, "install", "--quiet", "--no-interaction", cwd=root)
    listed = json.loads(run(*composer, "show", "--format=json", cwd=root))["installed"]
    return {(one["name"], one["version"]) for one in listed}


def rust(root: Path) -> Names:
    """uv as its wheel ships it; what its section `.dep-v0` says, taken out by objcopy."""
    program = Path(sys.executable).parent / "uv"
    shutil.copy(program, root / "uv")
    section = root.parent / "dep-v0"
    run("objcopy", "--dump-section", f".dep-v0={section}", str(program), os.devnull)
    packages = json.loads(zlib.decompress(section.read_bytes()))["packages"]
    return {(one["name"], one["version"]) for one in packages if one.get("kind", "runtime") == "runtime"}


def dotnet(root: Path) -> Names:
    """.NET Core as the wheel dotnetcore2 ships it; the packages of its deps.json files."""
    run(
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(root),
        "dotnetcore2==3.1.23",
    )
    files = list(root.rglob("*.deps.json"))
    assert files
    libraries = [pair for file in files for pair in json.loads(file.read_text())["libraries"].items()]
    return {
        (key.rpartition("/")[0], key.rpartition("/")[2])
        for key, value in libraries
        if value["type"] == "package"
    }
