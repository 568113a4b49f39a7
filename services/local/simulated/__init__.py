"""The simulated cluster: an API server, a registry and a feeder of processes in one process."""
