"""Scanner definitions: what vulnerability bundles the scanner gets from Central."""
