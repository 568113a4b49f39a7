"""Logging in: auth providers, the exchange of a password for a token, who am I."""
