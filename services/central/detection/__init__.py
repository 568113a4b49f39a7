"""Detection in Central: images in CI, YAML files before they are applied."""
