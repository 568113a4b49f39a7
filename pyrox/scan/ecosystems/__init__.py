"""One folder per ecosystem: index.py, version.py, match.py, update.py and README.md."""
