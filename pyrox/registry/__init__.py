"""Container registries: image names, credentials, manifests, layers; only importer of registry HTTP."""
