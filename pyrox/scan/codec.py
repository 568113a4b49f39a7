"""Stored and sent forms: finds and reports as JSON, reports as `scanner.v4` messages.

The Indexer stores `LayerFinds` per layer and sends `Contents`; the Matcher reads `Contents`
that this or upstream's Indexer made. Both fill the maps and the deprecated lists.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol, TypeVar

import msgspec

from pyrox.pb.internalapi.scanner.v4 import common_pb2
from pyrox.scan import catalogue
from pyrox.scan.model import (
    EMPTY_CPE,
    Distribution,
    Environment,
    IndexReport,
    Kind,
    LayerFinds,
    NormalizedVersion,
    Package,
    Repository,
)

_LAYER: Final = msgspec.json.Decoder(LayerFinds)
_REPORT: Final = msgspec.json.Decoder(IndexReport)
_KINDS: Final = {kind.value: kind for kind in Kind}
_NO_VERSION: Final = NormalizedVersion()
_CONTAINERS: Final = "rhcc-container-repository"  # upstream's key of what an image says of itself


def encode_layer(finds: LayerFinds) -> bytes:
    """A layer's finds as JSON."""
    return msgspec.json.encode(finds)


def decode_layer(data: bytes) -> LayerFinds:
    """The finds that `encode_layer` wrote.

    Raises:
        msgspec.DecodeError: the data are not such JSON.
    """
    return _LAYER.decode(data)


def encode_report(report: IndexReport) -> bytes:
    """An index report as JSON."""
    return msgspec.json.encode(report)


def decode_report(data: bytes) -> IndexReport:
    """The report that `encode_report` wrote.

    Raises:
        msgspec.DecodeError: the data are not such JSON.
    """
    return _REPORT.decode(data)


def to_contents(report: IndexReport) -> common_pb2.Contents:
    """The report as the message that Indexer and Matcher exchange."""
    out = common_pb2.Contents()
    for key, package in report.packages.items():
        out.packages[key].CopyFrom(_package_message(key, package, report.source_ids.get(key, "")))
    for key, system in report.distributions.items():
        out.distributions[key].CopyFrom(_distribution_message(key, system))
    for key, repository in report.repositories.items():
        out.repositories[key].CopyFrom(_repository_message(key, repository))
    for key, environments in report.environments.items():
        out.environments[key].environments.extend(map(_environment_message, environments))
    _fill_lists(out)
    return out


def _fill_lists(out: common_pb2.Contents) -> None:
    """The deprecated forms, which older peers read; a record's id is its key in the maps."""
    out.packagesDEPRECATED.extend(out.packages[key] for key in sorted(out.packages))
    out.distributionsDEPRECATED.extend(out.distributions[key] for key in sorted(out.distributions))
    out.repositoriesDEPRECATED.extend(out.repositories[key] for key in sorted(out.repositories))
    for key in out.environments:
        out.environmentsDEPRECATED[key].CopyFrom(out.environments[key])


def _package_message(key: str, package: Package, source_id: str) -> common_pb2.Package:
    source = common_pb2.Package(
        id=source_id,
        name=package.source_name,
        version=package.source_version,
        normalized_version=_normalized_message(NormalizedVersion()),
        kind=Kind.SOURCE.value if package.source_name else Kind.UNKNOWN.value,
        module=package.source_module,
        cpe=EMPTY_CPE,
    )
    return common_pb2.Package(
        id=key,
        name=package.name,
        version=package.version,
        normalized_version=_normalized_message(package.normalized),
        kind=package.kind.value,
        source=source if source_id else None,
        package_db=package.package_db,
        repository_hint=package.repository_hint,
        module=package.module,
        arch=package.arch,
        cpe=package.cpe or EMPTY_CPE,
    )


def _normalized_message(version: NormalizedVersion) -> common_pb2.NormalizedVersion:
    return common_pb2.NormalizedVersion(kind=version.kind, v=version.v)


def _distribution_message(key: str, system: Distribution) -> common_pb2.Distribution:
    return common_pb2.Distribution(
        id=key,
        did=system.did,
        name=system.name,
        version=system.version,
        version_code_name=system.version_code_name,
        version_id=system.version_id,
        arch=system.arch,
        cpe=system.cpe or EMPTY_CPE,
        pretty_name=system.pretty_name,
    )


def _repository_message(key: str, repository: Repository) -> common_pb2.Repository:
    return common_pb2.Repository(
        id=key, name=repository.name, key=repository.key, uri=repository.uri, cpe=repository.cpe or EMPTY_CPE
    )


def _environment_message(environment: Environment) -> common_pb2.Environment:
    return common_pb2.Environment(
        package_db=environment.package_db,
        introduced_in=environment.introduced_in,
        distribution_id=environment.distribution_id,
        repository_ids=environment.repository_ids,
    )


def from_contents(contents: common_pb2.Contents) -> IndexReport:
    """The report that a message holds; the deprecated lists count where a map is empty."""
    packages = dict(contents.packages) or _by_id(contents.packagesDEPRECATED)
    systems = dict(contents.distributions) or _by_id(contents.distributionsDEPRECATED)
    repositories = dict(contents.repositories) or _by_id(contents.repositoriesDEPRECATED)
    environments = contents.environments or contents.environmentsDEPRECATED
    report = IndexReport(
        distributions={key: _distribution(system) for key, system in systems.items()},
        repositories={
            key: Repository(r.name, r.key, r.uri, "" if r.cpe == EMPTY_CPE else r.cpe)
            for key, r in repositories.items()
        },
        environments={
            key: tuple(map(_environment, value.environments)) for key, value in environments.items()
        },
    )
    for key, package in packages.items():
        report.packages[key] = _package(package, report, key)
        if package.HasField("source"):
            report.source_ids[key] = package.source.id
    return report


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


_T = TypeVar("_T", bound=_HasId)


def _by_id(items: Iterable[_T]) -> dict[str, _T]:
    return {item.id: item for item in items}


def _environment(message: common_pb2.Environment) -> Environment:
    return Environment(
        message.package_db, message.introduced_in, message.distribution_id, tuple(message.repository_ids)
    )


def _distribution(message: common_pb2.Distribution) -> Distribution:
    return Distribution(
        did=message.did,
        name=message.name,
        version=message.version,
        version_code_name=message.version_code_name,
        version_id=message.version_id,
        arch=message.arch,
        cpe="" if message.cpe == EMPTY_CPE else message.cpe,
        pretty_name=message.pretty_name,
    )


def _package(message: common_pb2.Package, report: IndexReport, key: str) -> Package:
    environments = report.environments.get(key, ())
    database = next((e.package_db for e in environments if e.package_db), message.package_db)
    origins = [
        report.repositories[i] for e in environments for i in e.repository_ids if i in report.repositories
    ]
    known = catalogue.names().by_repository
    source, cpe = message.source, message.cpe
    return Package(
        message.name,
        message.version,
        _ecosystem(database, origins, environments, report),
        _KINDS.get(message.kind, Kind.UNKNOWN),
        database,
        "",
        message.arch,
        message.module,
        "" if cpe == EMPTY_CPE else cpe,
        next((origin.name for origin in origins if origin.name in known), ""),
        message.repository_hint,
        _normalized(message.normalized_version),
        source.name,
        source.version,
        source.module,
    )


def _normalized(message: common_pb2.NormalizedVersion) -> NormalizedVersion:
    if not message.kind and not message.v:
        return _NO_VERSION
    return NormalizedVersion(message.kind, tuple(message.v) or _NO_VERSION.v)


def _ecosystem(
    database: str, origins: list[Repository], environments: Iterable[Environment], report: IndexReport
) -> str:
    """The folder that answers for a package: by its database, its repository, its system."""
    if any(origin.key == _CONTAINERS for origin in origins):
        return "rhcc"
    known = catalogue.names()
    prefix, colon, _ = database.partition(":")
    if colon and prefix in known.by_database:
        return known.by_database[prefix]
    for origin in origins:
        if origin.name in known.by_repository:
            return known.by_repository[origin.name]
    systems = (e.distribution_id for e in environments if e.distribution_id in report.distributions)
    return _of_system(database, [report.distributions[key].did for key in systems])


def _of_system(database: str, names: list[str]) -> str:
    """By the file, which dpkg and apk name without a prefix on every system; else by the system."""
    if "dpkg/status" in database:
        return "dpkg"
    if database.endswith("apk/db/installed"):
        return "apk"
    return catalogue.names().by_system.get(names[0], "rpm") if names else ""
