"""The command line client: talks to Central over its public API only."""
