"""A run as a report in one HTML file, for whoever did not train it: what it is, how good, on which galaxies, how made.

Everything is read from the run's folder: numbers, curves, and the predictions that an evaluation leaves there. A part
that was not evaluated is not evaluated by the report either; in particular, the test part is not touched.
"""

from __future__ import annotations

import csv
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from core.data import target as targets
from core.data.target import Classes, Quantities
from core.errors import Stopped
from core.events import NEVER, Progress, Work
from core.metrics import part_notes
from core.metrics.guessing import guess_of_run
from core.project.files import write_atomically
from core.project.history import read_history
from core.project.runs import RunFolder
from core.publish import html_page, run_figures
from core.reading import is_there, read_text
from core.settings import toml
from core.train import verdict
from core.train.description import citations, methods, model_card
from core.train.description.facts import RunFacts, read_facts
from core.train.settings import RunSettings
from core.version import PROGRAM
from core.wording import capitalised

_PARTS = ("test", "validation")
_STEPS = 4


def write(folder: RunFolder, path: Path, stop: threading.Event = NEVER) -> Work[Path]:
    """Write the report of a run.

    Parameters
    ----------
    folder
        The run.
    path
        Of the report, written wholly or not at all.
    stop
        Checked between the steps.

    Raises
    ------
    UnreadableFile, WrongVersion
        The run cannot be read.
    """
    facts = read_facts(folder)
    parts: list[str] = []
    steps = (
        lambda: _introduce(facts),
        lambda: _show_scores(folder, facts),
        lambda: _show_curves(folder, facts),
        lambda: _tell_origin(facts),
    )
    for number, step in enumerate(steps):
        yield Progress(number, _STEPS, "steps")
        if stop.is_set():
            raise Stopped
        parts += step()
    write_atomically(path, html_page.page(f"{facts.name} · report", parts))
    yield Progress(_STEPS, _STEPS, "steps")
    return path


def _introduce(facts: RunFacts) -> list[str]:
    data = facts.metrics.get("data") or {}
    counts = ", ".join(f"{count:,} {part}" for part, count in facts.galaxies.items())
    about = f"{data.get('data', 'Unknown data')}: {counts} galaxies." if counts else ""
    return [
        html_page.heading(facts.name, 1),
        html_page.paragraph(model_card.summarise(facts)),
        html_page.paragraph(f"{about} Written by {PROGRAM}.".strip(), muted=True),
    ]


# -- scores ------------------------------------------------------------------------------------------------------------


def _show_scores(folder: RunFolder, facts: RunFacts) -> list[str]:
    """Each part that was judged, the test part first, and other datasets."""
    shown: list[str] = []
    for part in (part for part in _PARTS if facts.metrics.get(part)):
        shown += _show_part(folder, facts, f"{part.capitalize()} part", facts.metrics[part], part)
    if facts.has_answers and not facts.metrics.get("test"):
        shown.append(html_page.paragraph("The test part is locked away: it has not been evaluated.", muted=True))
    for name, values in (facts.metrics.get("elsewhere") or {}).items():
        shown += _show_part(folder, facts, f"On {name}", values, name)
    return shown


def _show_part(folder: RunFolder, facts: RunFacts, title: str, values: Mapping[str, Any], part: str) -> list[str]:
    said = part_notes.note_beside_basis(values)
    basis = f"{capitalised(part_notes.describe_basis(values))}."
    note = f"{basis} {capitalised(said)}." if said else basis
    guess = guess_of_run(facts.metrics, part) if part in _PARTS else None
    lines = [
        html_page.heading(title),
        html_page.paragraph(f"{capitalised(part_notes.describe_scores(values))}."),
        *([] if guess is None else [html_page.paragraph(guess.sentence)]),
        html_page.paragraph(note, muted=True),
    ]
    if remark := facts.remark_on(values):
        lines.append(html_page.paragraph(remark))
    if (merits := model_card.merits_table(facts, values)) is not None:
        lines.append(html_page.table(*merits))
    drawn = list(_draw_part(folder, facts, title, values, part))
    return [*lines, html_page.figures(drawn)] if drawn else lines


def _draw_part(
    folder: RunFolder, facts: RunFacts, title: str, values: Mapping[str, Any], part: str
) -> Iterator[tuple[Figure, str]]:
    target = facts.target
    where = f"{title}, {values.get('galaxies', 0):,} galaxies"
    if isinstance(target, Classes):
        if values.get("confusion"):
            counts = np.array(values["confusion"], dtype=np.int64)
            caption = f"{where}. Confusion: true classes by row; numbers of galaxies; shade by the share of the row."
            yield run_figures.draw_confusion(values.get("classes") or target.names, counts), caption
        if values.get("completeness") and values.get("purity"):
            yield run_figures.draw_merits(values), f"{where}. Completeness and purity with their 68 % intervals."
        if bins := (values.get("calibration") or {}).get("bins"):
            caption = f"{where}. Reliability: on the dotted line a probability is how often the class is right."
            yield run_figures.draw_reliability(bins), caption
        return
    columns = _read_predictions(folder.predictions_file(part))
    for name in targets.outputs(target):
        if f"true_{name}" in columns and name in columns:
            place = targets.outputs(target).index(name)
            unit = target.units[place] if isinstance(target, Quantities) else ""
            period = target.periods[place] if isinstance(target, Quantities) else None
            shown = f"{name} [{unit}]" if unit else name
            caption = f"{where}. {capitalised(name)}: measured against true values; on the line they agree."
            yield run_figures.draw_measured(shown, columns[f"true_{name}"], columns[name], period), caption


def _read_predictions(path: Path) -> dict[str, NDArray[np.float64]]:
    """The numbers in a table of predictions, by column (``p_`` taken off); empty where there is none."""
    if not is_there(path):
        return {}
    head, *rows = csv.reader(read_text(path).splitlines())
    found: dict[str, NDArray[np.float64]] = {}
    for name, cells in zip(head, zip(*rows, strict=True), strict=False):
        try:
            found[name.removeprefix("p_")] = np.array(cells, dtype=np.float64)
        except ValueError:  # ids and names
            continue
    return found


def _show_curves(folder: RunFolder, facts: RunFacts) -> list[str]:
    history = read_history(folder.history_file) if is_there(folder.history_file) else []
    lines = [html_page.heading("Training")]
    if said := verdict.describe(facts.metrics):
        lines.append(html_page.paragraph(said))
    if history:
        best = int(facts.metrics.get("best_epoch") or history[-1]["epoch"])
        caption = (
            "Learning curves: training with augmentation and dropout, validation without; one view of each galaxy."
        )
        lines.append(html_page.figures([(run_figures.draw_curves(history, best), caption)]))
    return lines


def _shown(value: object) -> str:
    return "empty" if value is None or value == "" else str(value)


def _tell_origin(facts: RunFacts) -> list[str]:
    """Methods, citations, settings and caveats."""
    changed = toml.differences(RunSettings(), facts.settings.with_names_only())
    versions = facts.environment.get("versions") or {}
    lines = [
        html_page.heading("Methods"),
        html_page.paragraph(methods.format_text(facts)),
        html_page.folded("BibTeX of the works that are cited", citations.format_bibtex(methods.works(facts))),
        html_page.folded("The paragraph for LaTeX", methods.format_latex(facts)),
        html_page.heading("Settings that differ from the default"),
        html_page.table(
            ("setting", "value", "default"), [(name, _shown(new), _shown(old)) for name, old, new in changed]
        )
        if changed
        else html_page.paragraph("None."),
        html_page.heading("Caveats"),
        html_page.bullets(model_card.limitations(facts)),
    ]
    if versions:
        lines.append(html_page.heading("Software"))
        lines.append(html_page.paragraph(", ".join(f"{name} {version}" for name, version in versions.items())))
    return lines
