"""What the frozen program starts with."""

import sys

from app.command import main

sys.exit(main())
