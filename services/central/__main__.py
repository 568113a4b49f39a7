"""`python -m services.central`."""

import sys

from services.central.main import main

sys.exit(main())
