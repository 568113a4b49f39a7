"""Images: metadata from registries, scans from Scanner V4, stored and served."""
