"""What the frozen program starts with."""

import os
import sys

# The libraries that came along are for this program alone: a browser or file manager it opens has its own.
if sys.platform.startswith("linux") and getattr(sys, "frozen", False):
    before = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
    if before is None:
        os.environ.pop("LD_LIBRARY_PATH", None)
    else:
        os.environ["LD_LIBRARY_PATH"] = before

from app.command import main

sys.exit(main())
