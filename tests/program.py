"""The real program in its own process, as on a machine without a screen.

It is the one of this folder, or, where the variable ``TUNINGFORK`` names one, an installed one:
``TUNINGFORK=/opt/tuning-fork/tuningfork pytest -m installed``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from core.cli.main import main

ROOT = Path(__file__).parents[1]
INSTALLED = os.environ.get("TUNINGFORK", "")
PROGRAM = [INSTALLED] if INSTALLED else [sys.executable, "-m", "app.command"]


def environment(**more: str) -> dict[str, str]:
    """As on a machine without a screen; for an installed program also without Python."""
    hidden = {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"} | ({"PYTHONPATH", "PYTHONHOME"} if INSTALLED else set())
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    own = {"PATH": "/nowhere"} if INSTALLED else {"PYTHONPATH": str(ROOT)}
    return kept | own | {"PYTHONUTF8": "1"} | more


def in_process(*arguments: object) -> None:
    """Carry out a command as the program does, without the seconds that a process of its own takes to start.

    What an installed program says, a process of its own nevertheless, is said again here.
    """
    if not INSTALLED:
        assert main([str(argument) for argument in arguments]) == 0
        return
    done = program(*arguments, cwd=Path.cwd())
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)


def program(*arguments: object, cwd: Path, status: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the program and require its exit status."""
    command = [*PROGRAM, *(str(argument) for argument in arguments)]
    done = subprocess.run(
        command, cwd=cwd, env=environment(), capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done
