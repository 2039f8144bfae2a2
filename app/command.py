"""The program ``tuningfork``: a window, or where a command is given (or no screen is there) the command line."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import MutableMapping

COMMANDS = (
    *("import", "train", "resume", "runs", "rate", "batch", "search", "study", "evaluate", "predict", "measure", "fit"),
    *("explain", "top", "believe", "simulate", "demo", "settings", "pretrain", "match", "resample", "adapt", "moved"),
    *("refine", "suggest", "similar", "unusual", "duplicates", "ensemble"),
    *("pack", "unpack", "job", "export", "report"),
)

TRY_FILES = "--try-files"  # for this program itself, see core.data.trial
SIMULATE_BLOCKS = "--simulate-blocks"  # see core.simulate.crew
_ROUNDS = "10000"  # about a tenth of a millisecond


def main(arguments: list[str] | None = None) -> int:
    """Start the window or run a command; returns the exit status.

    Without arguments, with ``--demo`` or ``--no-reopen``, or with the path of a dataset or a project the window opens.
    Where there is no screen, ``--demo`` runs the demonstration on the command line.
    """
    multiprocessing.freeze_support()
    wait_briefly(os.environ)
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == [TRY_FILES]:
        from core.data.trial_process import serve

        return serve()
    keep_cache(os.environ)
    if arguments[:1] == [SIMULATE_BLOCKS]:
        from core.simulate.worker_process import serve

        return serve()
    if not wants_window(arguments):
        from core.cli.main import main as run

        return run(arguments)
    if has_screen():
        from app.start import run as start

        return start(arguments)
    from core.cli.console import say_problem
    from core.cli.main import main as run

    if arguments[:1] == ["--demo"]:
        say_problem("there is no screen here, so the demonstration runs without a window.")
        return run(["demo"])
    say_problem("there is no screen here to open a window on; “tuningfork --help” lists what works without one.")
    return 1


def wait_briefly(environment: MutableMapping[str, str]) -> None:
    """Let threads that have done their part of a loop sleep soon, unless the user has chosen how they wait.

    GNU's OpenMP lets them keep their cores for milliseconds, also where the others wait for just these cores, since
    other programs run. It reads the environment when it is loaded, with torch.
    """
    if "OMP_WAIT_POLICY" not in environment:
        environment.setdefault("GOMP_SPINCOUNT", _ROUNDS)


def keep_cache(environment: MutableMapping[str, str]) -> None:
    """Have torch keep what it can make again where this program does, and leave nothing among the temporary files.

    So does matplotlib in an installed program. Where Python is, it is the user's, whose settings count.
    """
    from core.project.user_folders import cache_folder  # not for the process that tries files, which loads no torch

    environment.setdefault("TORCHINDUCTOR_CACHE_DIR", str(cache_folder() / "torch"))
    if getattr(sys, "frozen", False):
        environment.setdefault("MPLCONFIGDIR", str(cache_folder() / "matplotlib"))


def wants_window(arguments: list[str]) -> bool:
    """Whether these arguments are for the window."""
    if not arguments or arguments[0] in {"--demo", "--no-reopen"}:
        return True
    return arguments[0] not in COMMANDS and os.path.exists(arguments[0])  # noqa: PTH110 - before pathlib is imported


def has_screen() -> bool:
    """Whether there is a screen. Windows and macOS always have one; on Linux the environment tells."""
    if not sys.platform.startswith(("linux", "freebsd")):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


if __name__ == "__main__":
    sys.exit(main())
