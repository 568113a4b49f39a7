"""Private aggregates for the portal, under `/api/ui`."""
