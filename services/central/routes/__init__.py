"""Custom HTTP beside the gateway: portal files, API documents, downloads, definitions."""
