"""`python -m services.collector`."""

import sys

from services.collector.main import main

sys.exit(main())
