"""The version order of NuGet packages."""

from pyrox.scan.versions.nuget import Nuget

SCHEME = Nuget()
SCHEMES = (SCHEME,)
