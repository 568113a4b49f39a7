"""Alpine, Wolfi and Chainguard: apk databases, distributions, versions and advisories."""
