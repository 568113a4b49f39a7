"""What Sensor knows of the cluster, in memory."""
