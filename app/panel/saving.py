"""Save a file: ask for the path, write it in the background, and report it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QFileDialog, QWidget

from app import work
from app.jobs.job import Job
from app.session.session import Session
from core.errors import FolderInUse, Problem
from core.project import outputs
from core.project.outputs import Inputs, Output

if TYPE_CHECKING:
    from core.evaluate.written_table import WrittenTable
    from core.evaluate.zero_point_question import ZeroPointQuestion

FIGURES = "PNG picture (*.png);;SVG drawing (*.svg);;PDF page (*.pdf)"
_NAMED = 20  # files without a prediction
TABLES = "CSV (*.csv);;FITS (*.fits);;VOTable (*.xml);;Parquet (*.parquet);;HDF5 (*.h5)"


def ask_path(
    parent: QWidget,
    session: Session,
    title: str,
    name: str,
    kinds: str,
    *,
    reads: Sequence[Path] = (),
    beside: str = "",
    folder: Path | None = None,
) -> Path | None:
    """Ask for a file to write, complete its extension, and refuse a place where something would be lost.

    Parameters
    ----------
    parent
        The panel that asks.
    session
        What is open in it is never replaced.
    title, name
        Of the dialog, and of the file that is proposed.
    kinds
        The file formats, as a filter of Qt's dialog: ``"CSV (*.csv);;FITS (*.fits)"``.
    reads
        What is read for it, besides the open dataset and the network in use.
    beside
        The extension of a second file that is written beside it, of which Qt's dialog does not ask.
    folder
        Proposed; None: that of the project.

    Returns
    -------
    Path
        The file, with the extension of the chosen format if it had none of these. None: cancelled, or refused, which is
        reported.
    """
    if folder is None:
        folder = Path.home() if session.project is None else session.project.folder
    chosen, kind = QFileDialog.getSaveFileName(parent, title, str(folder / name), kinds)
    if not chosen:
        return None
    path, endings = Path(chosen), re.findall(r"\*(\.\w+)", kinds)
    if path.suffix.lower() not in endings:
        path = path.with_name(path.name + next((ending for ending in endings if ending in kind), endings[0]))
        if path.exists():  # the dialog has asked about the name without the extension
            session.report(FolderInUse("There is a file of this name already.", "Choose another name.", str(path)))
            return None
    try:
        _require_writable(session, path, outputs.TABLE if kinds == TABLES else "", reads, beside)
    except Problem as problem:
        session.report(problem)
        return None
    return path


def _require_writable(session: Session, path: Path, kind: str, reads: Sequence[Path], beside: str) -> None:
    """Require that neither file replaces what the window shows or reads, nor a file of another kind."""
    opened = [] if session.dataset.cutouts is None else [session.dataset.cutouts.path]
    opened += [] if session.run is None else [session.run.best]
    written = [Output(path, kind)]
    if beside:
        second = path.with_suffix(beside)
        if second.exists() and not path.exists():
            raise FolderInUse("There is a file of this name already.", "Choose another name.", str(second))
        written.append(Output(second))
    outputs.require_writable(written, Inputs([*opened, *reads]))


def save(session: Session, job: Job, describe: Callable[[Any], str]) -> None:
    """Run a job that writes a file, and report it with the message that ``describe`` makes of its result."""
    job.finished.connect(lambda written: session.message.emit(describe(written)))
    job.failed.connect(session.report)
    session.activity.add(job)
    job.start()


def save_predictions(parent: QWidget, session: Session, title: str, weights: Path) -> None:
    """Ask for a file, and write a network's answers for every galaxy of the open dataset to it."""
    if session.dataset.cutouts is None:
        return
    path = ask_path(parent, session, title, "predictions.csv", TABLES, reads=[weights])
    if path is not None:
        _save_answers(parent, session, weights, session.dataset.cutouts.path, path)


def save_predictions_of_files(parent: QWidget, session: Session, sources: Sequence[Path], weights: Path) -> None:
    """Ask for a file, and write a network's answers for the galaxies in image files to it."""
    reads = [*sources, weights]
    path = ask_path(parent, session, "Save predictions", f"predictions {sources[0].stem}.csv", TABLES, reads=reads)
    if path is not None:
        _save_answers(parent, session, weights, sources, path)


def _save_answers(parent: QWidget, session: Session, weights: Path, data: Path | Sequence[Path], table: Path) -> None:
    """Write a network's answers, once it is said of the pixels what they depend on."""

    def begin(pixels: work.PixelAnswer | None) -> None:
        job = work.save_answers(weights, data, table, pixels)
        save(session, job, lambda made: _describe(made, table))
        job.finished.connect(lambda made: _report_left_out(session, made))

    def ask(question: ZeroPointQuestion | None) -> None:
        if question is None:
            begin(None)
            return
        from app.panel.zero_point_dialog import ZeroPointDialog

        dialog = ZeroPointDialog(question, parent)
        dialog.answered.connect(begin)
        dialog.open()

    looking = work.find_zero_point_question(weights, data)
    looking.finished.connect(ask)
    looking.failed.connect(session.report)
    session.activity.add(looking)
    looking.start()


def _describe(made: WrittenTable, table: Path) -> str:
    """Where the answers are, what their errors are, how stamps were made, and what differs from the training."""
    doubts = [problem.text for problem in made.problems]
    if made.flagged is None:
        return " ".join([f"Predictions are saved in {table.name}: {made.counted}.", *made.notes[:1], *doubts])
    flags = f"{made.flagged:,} with a flag that says what is doubtful"
    said = f"Measured values are saved in {table.name}: {made.counted}; {flags}."
    return " ".join(text for text in (said, made.errors_are, *made.notes[:1], *doubts) if text)


def _report_left_out(session: Session, made: WrittenTable) -> None:
    """Name the files that have no prediction, with the reasons."""
    if made.unread:
        named = made.left_out[:_NAMED]
        others = made.unread - len(named)
        more = f"; and {others:,} more like these" if others else ""
        have = "1 file could not be used and has"
        if made.unread > 1:
            have = f"{made.unread:,} files could not be used and have"
        session.report(Problem(f"{have} no prediction. {'; '.join(map(_why, named))}{more}."))


def _why(problem: Problem) -> str:
    return f"{problem.shown_where}: {problem.sentence.rstrip('.')}"
