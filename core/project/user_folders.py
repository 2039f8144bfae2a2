"""Where the program keeps what is the user's: projects, the log, and what it can make again.

Each follows one environment variable or the system's custom; nothing else decides where such files go.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

_NAME = "tuning-fork"
_LOG = ".log"  # among the projects, and hidden from those who look for one


def projects_folder() -> Path:
    """The folder for new projects: that of ``TUNINGFORK_HOME``, or one among the user's documents."""
    return _home() or Path(platformdirs.user_documents_dir()) / "Tuning Fork"


def log_folder() -> Path:
    """The folder of the log, and of the notes on what is open: in that of ``TUNINGFORK_HOME``, or the user's own."""
    home = _home()
    return Path(platformdirs.user_log_dir(_NAME, appauthor=False)) if home is None else home / _LOG


def cache_folder() -> Path:
    """The folder for what can be made again: that of ``TUNINGFORK_CACHE``, or the user's own."""
    return Path(os.environ.get("TUNINGFORK_CACHE") or platformdirs.user_cache_dir(_NAME, appauthor=False))


def _home() -> Path | None:
    home = os.environ.get("TUNINGFORK_HOME")
    return Path(home) if home else None
