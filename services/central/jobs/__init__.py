"""Background work of Central that one replica at a time does."""
