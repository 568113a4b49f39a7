"""The Kubernetes API: client, watches. The only importer of the Kubernetes client."""
