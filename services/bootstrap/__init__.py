"""Bootstrap: makes the secrets that an installation needs before its databases start."""
