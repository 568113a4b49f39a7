"""NuGet packages."""

from pyrox.scan.wire import Wire

WIRE = Wire(databases=("nuget",), repository="nuget", purl="nuget")
