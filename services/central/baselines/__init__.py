"""Process baselines: what containers are expected to run, learned first and then held against it."""
