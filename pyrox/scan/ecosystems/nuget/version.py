"""The version order of NuGet packages."""

from pyrox.scan.versions.semver import Nuget

SCHEME = Nuget()
SCHEMES = (SCHEME,)
