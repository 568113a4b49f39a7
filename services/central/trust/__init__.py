"""Central's own certificates: the service CA with its key, the chain it proves, expiry times."""
