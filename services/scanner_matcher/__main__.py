"""`python -m services.scanner_matcher`."""

import sys

from services.scanner_matcher.main import main

if __name__ == "__main__":
    sys.exit(main())
