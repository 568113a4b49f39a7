"""`python -m services.compliance`."""

import sys

from services.compliance.main import main

sys.exit(main())
