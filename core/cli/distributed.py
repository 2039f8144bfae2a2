"""The processes that torchrun starts for one training: all of them work, only the first one writes and prints."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from core.project.runs import RunFolder
from core.project.temporary import temporary_folder

NUMBER = int(os.environ.get("RANK", "0"))


@contextlib.contextmanager
def mute_other_processes() -> Iterator[None]:
    """Discard the standard output of all processes but the first."""
    if NUMBER == 0:
        yield
        return
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
        yield


@contextlib.contextmanager
def join_processes(folder: RunFolder, device: str) -> Iterator[RunFolder]:
    """Join the process group; yields the run's folder in the first process, a temporary copy in the others."""
    from core.train import distributed

    with temporary_folder() as scratch:
        own = folder
        if NUMBER:
            own = RunFolder(scratch / folder.name)
            if folder.path.exists():
                shutil.copytree(folder.path, own.path, ignore=shutil.ignore_patterns(".*"))
        with distributed.process_group(device):
            yield own


def with_process_number(sentence: str) -> str:
    """Prefix a problem with the number of the process that has it, where there are several."""
    of = os.environ.get("WORLD_SIZE", "1")
    return sentence if of == "1" else f"process {NUMBER + 1} of {of}: {sentence}"
