"""The config controller: SecurityPolicy resources of Kubernetes, kept equal to policies in Central."""
