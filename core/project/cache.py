"""Where the program keeps what it can make again."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """The user's cache folder, or the folder that the environment variable ``TUNINGFORK_CACHE`` names."""
    return Path(os.environ.get("TUNINGFORK_CACHE") or platformdirs.user_cache_dir("tuning-fork", appauthor=False))
