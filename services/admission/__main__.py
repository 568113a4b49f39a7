"""`python -m services.admission`."""

import sys

from services.admission.main import main

sys.exit(main())
