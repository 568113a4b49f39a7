"""`python -m services.scannerctl`."""

import sys

from services.scannerctl.main import main

if __name__ == "__main__":
    sys.exit(main())
