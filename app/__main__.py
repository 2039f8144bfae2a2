"""``python -m app`` opens the window."""

import sys

from app.start import run

sys.exit(run(sys.argv[1:]))
