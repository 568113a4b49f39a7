"""Secrets of secured clusters: names and kinds of their keys, never their contents."""
