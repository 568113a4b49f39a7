"""Small changes to the code, one at a time, that the code's own unit tests must notice."""
