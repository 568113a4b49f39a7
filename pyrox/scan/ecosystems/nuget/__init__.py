"""NuGet packages."""
