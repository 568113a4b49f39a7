"""The file system of a real image, and what the native tools list in it.

debootstrap's root with Debian packages of older versions, and packages added by pip, npm
and Maven from the package indexes that these tools are set up for.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import Version

from tools.build_ui import find_node

SUITE = "bullseye"
"""The newest release that the dump of Debian's tracker in the test data knows."""
# They hold Python packages that dpkg owns; PyYAML's version has advisories of its own.
NEW_DEBS = ("libexpat1", "python3-six", "python3-yaml")
# Binary package, source package, version: as they were in the release before their fixes.
OLD_DEBS = (
    ("curl", "curl", "7.74.0-1.3+deb11u1"),
    ("git", "git", "1:2.30.2-1"),
    ("libcurl4", "curl", "7.74.0-1.3+deb11u1"),
    ("libkrb5-3", "krb5", "1.18.3-6+deb11u1"),
    ("libwebp6", "libwebp", "0.6.1-2.1"),
    ("openssh-client", "openssh", "1:8.4p1-5+deb11u1"),
    ("openssl", "openssl", "1.1.1k-1"),
    ("sudo", "sudo", "1.9.5p2-3"),
)
PIP = (
    "requests==2.19.0",
    "Django==2.2.1",
    "Jinja2==2.10",
    "urllib3==1.24.1",
    "Werkzeug==0.15.2",
    "Flask==0.12",
    "sqlparse==0.3.0",
    "certifi==2024.8.30",
    "idna==3.10",
    "Babel==2.16.0",
    "Mako==1.3.5",
    "oauthlib==3.2.2",
    "Pygments==2.18.0",
    "PyJWT==2.9.0",
)
# What `npm install` is told in each project; the dependencies of these come with them.
NPM = {
    "srv/app": ("lodash@4.17.4", "minimist@0.0.8", "debug@2.6.8", "minimatch@3.0.4"),
    "opt/web": (
        "lodash@4.17.21",
        "qs@6.5.2",
        "axios@0.21.1",
        "semver@7.5.4",
        "json5@2.2.3",
        "ansi-regex@5.0.1",
    ),
}
JARS = (
    ("org.apache.logging.log4j", "log4j-core", "2.14.1"),
    ("com.fasterxml.jackson.core", "jackson-databind", "2.12.6"),
    ("org.apache.struts", "struts2-core", "2.5.33"),
)
JARS_IN_WAR = (("commons-io", "commons-io", "2.6"), ("org.apache.commons", "commons-text", "1.9"))
PYTHON = "usr/local/lib/python3.9/dist-packages"
DEBIAN_PYTHON = "usr/lib/python3/dist-packages"
APPS = ("srv", "opt", PYTHON)
"""What was added; a layer of its own."""

Names = set[tuple[str, str]]
"""Names with versions."""


@dataclass(frozen=True, order=True)
class Deb:
    """An installed Debian package."""

    name: str
    version: str
    source: str
    source_version: str


def run(*command: str, cwd: Path | None = None) -> str:
    """The output of a command that must succeed."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def npm(*arguments: str, cwd: Path) -> str:
    """What npm prints; it is the machine's, or that of the Node.js in the virtual environment."""
    return run(*find_node().npm, *arguments, cwd=cwd)


def build(root: Path) -> None:
    """Make the root; it needs root's rights, debootstrap, npm, Maven and the package indexes."""
    # Nobody needs this root after a crash, so that dpkg need not wait for the disk.
    run("env", "DPKG_FORCE=unsafe-io", "debootstrap", "--variant=minbase", SUITE, str(root))
    _debs(root)
    for waste in ("var/cache/apt/archives", "var/lib/apt/lists"):
        shutil.rmtree(root / waste)
    quiet = ("--quiet", "--no-deps", "--no-compile", "--no-warn-conflicts")
    run(sys.executable, "-m", "pip", "install", *quiet, "--target", str(root / PYTHON), *PIP)
    for project, packages in NPM.items():
        place = root / project
        place.mkdir(parents=True)
        (place / "package.json").write_text(json.dumps({"name": place.name, "version": "1.0.0"}))
        npm("install", "--no-audit", "--no-fund", "--ignore-scripts", *packages, cwd=place)
    _jars(root / "opt/java")


def _debs(root: Path) -> None:
    """Install packages with the root's own dpkg: fetched ones, and old ones of a name and a version only."""
    place = root / "tmp/debs"
    place.mkdir()
    for name, source, version in OLD_DEBS:
        tree = place / name
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "DEBIAN/control").write_text(
            f"Package: {name}\nSource: {source}\nVersion: {version}\nArchitecture: amd64\n"
            "Maintainer: Nobody <nobody@localhost>\nDescription: an old version\n"
        )
        run("dpkg-deb", "--build", "--root-owner-group", str(tree), str(place / f"{name}.deb"))
    # Without their dependencies: no Python is needed to be listed as a package of Python.
    script = (
        f"apt-get update && apt-get download {' '.join(NEW_DEBS)} && dpkg --force-depends --install *.deb"
    )
    run("chroot", str(root), "sh", "-c", f"cd /tmp/debs && {script}")
    shutil.rmtree(place)


def _jars(place: Path) -> None:
    """Jars as Maven fetches them, some of them inside a web archive."""
    place.mkdir(parents=True)
    wanted = "".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId>"
        f"<version>{version}</version></dependency>"
        for group, name, version in (*JARS, *JARS_IN_WAR)
    )
    (place / "pom.xml").write_text(
        "<project><modelVersion>4.0.0</modelVersion><groupId>test</groupId><artifactId>test</artifactId>"
        f"<version>1</version><dependencies>{wanted}</dependencies></project>"
    )
    copy = ("dependency:copy-dependencies", "-DexcludeTransitive", "-DoutputDirectory=.")
    run("mvn", "--batch-mode", "--quiet", *copy, cwd=place)
    (place / "pom.xml").unlink()
    with zipfile.ZipFile(place / "shop.war", "w") as war:
        war.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")
        for _, name, version in JARS_IN_WAR:
            jar = place / f"{name}-{version}.jar"
            war.write(jar, f"WEB-INF/lib/{jar.name}")
            jar.unlink()


def layers(root: Path, directory: Path) -> list[Path]:
    """Two gzip-compressed layers: the base, and what was added to it."""
    base, apps = directory / "base.tar.gz", directory / "apps.tar.gz"
    tar = ("tar", "-C", str(root), "--one-file-system", "--use-compress-program=gzip -1", "-cf")
    run(*tar, str(base), *(f"--exclude=./{name}" for name in (*APPS, "proc", "sys", "dev")), ".")
    run(*tar, str(apps), *(f"./{name}" for name in APPS))
    return [base, apps]


def debs(root: Path) -> set[Deb]:
    """What `dpkg-query` lists as installed."""
    form = "${Package}\t${Version}\t${source:Package}\t${source:Version}\t${db:Status-Status}\n"
    rows = [row.split("\t") for row in _dpkg_query(root, "-W", "-f", form)]
    return {Deb(*row[:4]) for row in rows if row[4] == "installed"}


def _dpkg_query(root: Path, *arguments: str) -> list[str]:
    return run("dpkg-query", f"--admindir={root}/var/lib/dpkg", *arguments).splitlines()


def python_packages(root: Path) -> Names:
    """What `pip list` lists, less what dpkg owns; names in their normal form."""
    owned = {
        canonicalize_name(found[1])
        for line in _dpkg_query(root, "-S", f"*/{DEBIAN_PYTHON}/*-info")
        if (found := re.search(r"/([^/-]+)-[^/]+-info$", line))
    }
    assert owned == {"six", "pyyaml"}
    by_dpkg = {(name, version) for name, version in _pip_list(root / DEBIAN_PYTHON) if name in owned}
    assert len(by_dpkg) == len(owned)
    return (_pip_list(root / PYTHON) | _pip_list(root / DEBIAN_PYTHON)) - by_dpkg


def _pip_list(place: Path) -> Names:
    listed = json.loads(run(sys.executable, "-m", "pip", "list", "--format=json", "--path", str(place)))
    return {(str(canonicalize_name(one["name"])), str(Version(one["version"]))) for one in listed}


def npm_packages(root: Path) -> Names:
    """What `npm ls --all --parseable` lists in each project, the projects themselves left out."""
    found = set()
    for project in NPM:
        place = root / project
        for line in npm("ls", "--all", "--parseable", "--long", cwd=place).splitlines():
            path, full_name = line.split(":")[:2]
            if path != str(place):
                name, _, version = full_name.rpartition("@")
                found.add((name, version))
    return found


def maven_packages() -> Names:
    """The coordinates that Maven was told to fetch."""
    return {(f"{group}:{name}", version) for group, name, version in (*JARS, *JARS_IN_WAR)}
