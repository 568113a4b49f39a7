"""`python -m services.bootstrap`."""

import sys

from services.bootstrap.main import main

sys.exit(main())
