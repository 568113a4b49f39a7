"""Image integrations: the registries and scanners that Central may use."""
