"""The bill of materials of an image: SPDX 2.3 in JSON, from the package lists in it.

Called by `__main__` for every archive. It reads Debian's and Python's own lists and knows
nothing of our scanner, so that the two can be held against each other (`verify`).
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import PurePosixPath
from urllib.parse import quote

from tools.images.contents import Contents

_NOT_SAID = "NOASSERTION"
_STATUS = "var/lib/dpkg/status"
_METADATA = re.compile(r"(.*)/([^/]+)\.dist-info/METADATA")


@dataclass(frozen=True, slots=True)
class Part:
    """One package of an image."""

    kind: str
    """`deb` or `pypi`: the type of its package URL."""
    name: str
    version: str
    architecture: str = ""
    license: str = _NOT_SAID
    files: tuple[str, ...] = ()

    def url(self, distribution: str) -> str:
        """The package URL (purl), as scanners compare packages by."""
        version = quote(self.version, safe=".-~+:")
        if self.kind == "pypi":
            # The purl rules for PyPI: lower case, and dashes for all separators.
            return f"pkg:pypi/{re.sub(r'[-_.]+', '-', self.name).lower()}@{version}"
        return f"pkg:deb/debian/{self.name}@{version}?arch={self.architecture}&distro={distribution}"


def parts(contents: Contents) -> list[Part]:
    """The packages of an image, sorted."""
    return sorted(
        [*_debian(contents), *_python(contents)], key=lambda part: (part.kind, part.name, part.version)
    )


def document(contents: Contents, *, epoch: int, version: str) -> str:
    """The bill of materials; the same image gives the same bytes."""
    name = contents.reference.rpartition("/")[2].partition(":")[0]
    found = parts(contents)
    distribution = _distribution(contents)
    image = {
        "SPDXID": "SPDXRef-image",
        "name": contents.reference.rpartition(":")[0] or name,
        "versionInfo": version,
        "primaryPackagePurpose": "CONTAINER",
        "downloadLocation": _NOT_SAID,
        "filesAnalyzed": False,
        "checksums": [{"algorithm": "SHA256", "checksumValue": contents.identity}],
    }
    identities = [f"SPDXRef-{part.kind}-{_identity(part)}" for part in found]
    return json.dumps(
        {
            "spdxVersion": "SPDX-2.3",
            "dataLicense": "CC0-1.0",
            "SPDXID": "SPDXRef-DOCUMENT",
            "name": f"{name}-{version}",
            "documentNamespace": f"urn:pyrox:image:{quote(name)}:{contents.identity}",
            "creationInfo": {
                "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(epoch)),
                "creators": ["Tool: pyrox-images", "Organization: PyRox"],
            },
            "documentDescribes": ["SPDXRef-image"],
            "packages": [image, *(_package(part, contents.sha1, distribution) for part in found)],
            "relationships": [_relation("SPDXRef-image", "CONTAINS", identity) for identity in identities],
        },
        indent=1,
    )


def _package(part: Part, sha1: Mapping[str, str], distribution: str) -> dict[str, object]:
    """One package with a code over the hashes of its files that are in the image."""
    hashes = sorted(sha1[path] for path in part.files if path in sha1)
    # SPDX 2.3, 7.9: the SHA-1 of the sorted SHA-1 values, one after another.
    code = hashlib.sha1("".join(hashes).encode(), usedforsecurity=False).hexdigest()
    analyzed: dict[str, object] = {"filesAnalyzed": False}
    if hashes:
        analyzed = {"filesAnalyzed": True, "packageVerificationCode": {"packageVerificationCodeValue": code}}
    reference = {
        "referenceCategory": "PACKAGE-MANAGER",
        "referenceType": "purl",
        "referenceLocator": part.url(distribution),
    }
    return {
        "SPDXID": f"SPDXRef-{part.kind}-{_identity(part)}",
        "name": part.name,
        "versionInfo": part.version,
        "downloadLocation": _NOT_SAID,
        **analyzed,
        "licenseDeclared": part.license,
        "licenseConcluded": _NOT_SAID,
        "copyrightText": _NOT_SAID,
        "externalRefs": [reference],
    }


def _identity(part: Part) -> str:
    """SPDX ids take letters, digits, dots and dashes."""
    return re.sub(r"[^A-Za-z0-9.-]", "-", f"{part.name}-{part.version}-{part.architecture}".strip("-"))


def _relation(one: str, kind: str, other: str) -> dict[str, str]:
    return {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}


def _distribution(contents: Contents) -> str:
    text = contents.text.get("etc/os-release") or contents.text.get("usr/lib/os-release") or ""
    values = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    return f"{values.get('ID', 'linux')}-{values.get('VERSION_ID', '')}".replace('"', "").rstrip("-")


def _debian(contents: Contents) -> Iterator[Part]:
    for paragraph in contents.text.get(_STATUS, "").split("\n\n"):
        fields = HeaderParser().parsestr(paragraph)
        # Third word of Status: what has been removed, but for its configuration, is not there.
        if str(fields.get("Status", "")).split()[2:] != ["installed"]:
            continue
        name, architecture = str(fields["Package"]), str(fields.get("Architecture", ""))
        lists = (f"var/lib/dpkg/info/{stem}.list" for stem in (f"{name}:{architecture}", name))
        listed = next((contents.text[path] for path in lists if path in contents.text), "")
        yield Part(
            "deb", name, str(fields["Version"]), architecture, files=tuple(_plain(listed.splitlines()))
        )


def _python(contents: Contents) -> Iterator[Part]:
    for path, text in contents.text.items():
        match = _METADATA.fullmatch(path)
        if match is None or contents.text.get(path.replace("METADATA", "INSTALLER"), "").strip() == "dpkg":
            continue
        fields = HeaderParser().parsestr(text)
        record = contents.text.get(path.replace("METADATA", "RECORD"), "").splitlines()
        files = [f"{match[1]}/{line.split(',')[0]}" for line in record if not line.startswith("..")]
        declared = str(fields.get("License-Expression") or _NOT_SAID)
        yield Part("pypi", str(fields["Name"]), str(fields["Version"]), license=declared, files=tuple(files))


def _plain(paths: Iterable[str]) -> Iterator[str]:
    """Paths of a package's list without the leading slash; `/bin` is a link to `/usr/bin`."""
    for path in paths:
        inside = path.strip("/")
        first = PurePosixPath(inside).parts[:1]
        yield f"usr/{inside}" if first in {("bin",), ("lib",), ("lib64",), ("sbin",)} else inside
