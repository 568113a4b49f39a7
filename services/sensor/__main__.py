"""`python -m services.sensor`."""

import sys

from services.sensor.main import main

sys.exit(main())
