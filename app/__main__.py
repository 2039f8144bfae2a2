"""``python -m app`` opens the window."""

import sys
from pathlib import Path

if not sys.flags.safe_path:  # Python has put the working folder first, which may hold a ``core`` of the user's own
    sys.path[0] = str(Path(__file__).parents[1])

from app.start import run

sys.exit(run(sys.argv[1:]))
