"""`python -m services.scanner_indexer`."""

import sys

from services.scanner_indexer.main import main

if __name__ == "__main__":
    sys.exit(main())
