"""`python -m services.config_controller`."""

import sys

from services.config_controller.main import main

sys.exit(main())
