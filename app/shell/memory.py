"""How a project was left: dataset, galaxy, run, workspace and the draft of the next run's settings.

It is kept in the project's folder, so that it moves with the project.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from app.session.session import Session
from core.errors import Problem
from core.project.files import write_atomically
from core.project.runs import RunFolder
from core.reading import is_there, read_json, set_aside

_FILE, _FORMAT = "window.json", 1
_WHAT = "How this project was left"


@dataclass(frozen=True)
class Memory:
    """What is open; paths are relative to the project's folder.

    Attributes
    ----------
    dataset, run
        The dataset, and the run that is looked at; empty: none.
    galaxy
        The id of the current galaxy.
    workspace
        The name of the workspace.
    draft
        The draft's settings as TOML.
    """

    dataset: str = ""
    run: str = ""
    galaxy: str = ""
    workspace: str = ""
    draft: str = ""


def save(session: Session, workspace: str) -> None:
    """Keep what is open with its project; does nothing without a project and a dataset."""
    from core.settings import toml

    project, cutouts = session.project, session.dataset.cutouts
    if project is None or cutouts is None:
        return
    memory = Memory(
        dataset=_relative(cutouts.path, project.folder),
        run="" if session.run is None else _relative(session.run.path, project.folder),
        galaxy=cutouts.ids[session.current] if session.current >= 0 else "",
        workspace=workspace,
        draft=toml.dumps(session.draft.settings.with_paths_for(project.folder)),
    )
    with contextlib.suppress(Problem, OSError):  # a full disk must not keep a window from closing
        if _find_damage(project.folder) is not None:
            set_aside(project.folder / _FILE)
        write_atomically(project.folder / _FILE, json.dumps({"format": _FORMAT, **asdict(memory)}, indent=1))


def load(folder: Path) -> Memory:
    """How the project in a folder was left; of a file that cannot be read, nothing."""
    if not is_there(folder / _FILE) or _find_damage(folder) is not None:
        return Memory()
    values = read_json(folder / _FILE, _WHAT)
    known = {name: values[name] for name in asdict(Memory()) if isinstance(values.get(name), str)}
    return Memory(**known) if values.get("format") == _FORMAT else Memory()


def _find_damage(folder: Path) -> Problem | None:
    """Why the file of a project cannot be read; None: it can, or there is none."""
    try:
        if is_there(folder / _FILE):
            read_json(folder / _FILE, _WHAT)
    except Problem as problem:
        return problem
    return None


def restore_draft(session: Session, memory: Memory) -> None:
    """Take the draft again; one that is not valid any more is left out."""
    from core.settings import toml
    from core.train.settings import RunSettings

    if session.project is not None and memory.draft:
        with contextlib.suppress(Problem):
            settings = toml.loads(RunSettings, memory.draft)
            session.draft.replace(settings.with_paths_from(session.project.folder))


def restore_view(session: Session, memory: Memory) -> None:
    """Go to the galaxy and the run again, if they are still there."""
    from core.train import run_check

    project, cutouts = session.project, session.dataset.cutouts
    if project is None or cutouts is None or cutouts.path != dataset_of(project.folder, memory):
        return
    if memory.galaxy in cutouts.ids:
        session.set_current(list(cutouts.ids).index(memory.galaxy))
    run = RunFolder(_absolute(memory.run, project.folder)) if memory.run else None
    if run is not None and run.is_run and run_check.find_problem(run) is None:
        session.open_run(run)


def dataset_of(folder: Path, memory: Memory) -> Path | None:
    """The dataset that was open in a project; None: none, or it is gone."""
    path = _absolute(memory.dataset, folder) if memory.dataset else None
    with contextlib.suppress(OSError, ValueError):  # of a path that no system would accept
        return path if path is not None and path.is_file() else None
    return None


def _relative(path: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # on another drive of Windows
        return str(path)


def _absolute(stored: str, folder: Path) -> Path:
    return Path(os.path.normpath(folder / stored))
