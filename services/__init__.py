"""The processes of PyRox, one folder each. A process never imports another."""
