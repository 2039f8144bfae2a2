"""The table of predictions that is made of its pieces."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data.target import Classes, Quantities
from core.errors import Stopped
from core.evaluate.piece_answers import Answered, PieceColumns
from core.evaluate.prediction_columns import answer_columns, doubt_columns, id_column
from core.evaluate.table_formats import ColumnFormat, open_table, width_of
from core.evaluate.tables import with_program
from core.evaluate.unfinished_table import UnfinishedTable
from core.evaluate.unusual import Yardstick
from core.events import NEVER, Progress, Work
from core.metrics.decision import Decision
from core.nets.predictor import Predictor
from core.project.files import atomic_path, write_atomically

_UNLIKENESS = "Mahalanobis distance of the network's features from those of its training galaxies"
_SHARE = "Share of the training galaxies that are less unlike the others"
_ABSENT = "How many of the catalogue columns that the network takes beside the image have no value"
_ENTROPY = "Entropy of the probabilities over its largest value; 0: certain, 1: all classes are equally probable"
_PROBLEM = "Why there is no answer; empty where there is one"


@dataclass(frozen=True)
class Pieces:
    """The pieces of a table, all there.

    Attributes
    ----------
    folder
        Where they lie.
    count
        How many.
    columns
        What they hold.
    """

    folder: UnfinishedTable
    count: int
    columns: PieceColumns

    def read_scores(self) -> NDArray[np.float32]:
        """The scores (n, K) of all galaxies that have an answer."""
        formats = self.columns.formats
        pieces = (Answered.of(values, self.columns) for values in self.folder.pieces(self.count, formats))
        return np.concatenate([each.scores[each.problems == ""] for each in pieces])


def assemble(
    pieces: Pieces,
    table: Path,
    predictor: Predictor,
    decision: Decision,
    yardstick: Yardstick | None,
    about: Mapping[str, str],
    stop: threading.Event = NEVER,
) -> Work[tuple[int, int]]:
    """Write the table; returns how many galaxies have an answer, and how many have none.

    Parameters
    ----------
    pieces
        Its pieces.
    table
        The file.
    predictor
        The network.
    decision
        How classes follow from probabilities.
    yardstick
        With which the galaxies were compared.
    about
        For the metadata.
    stop
        Ends the work with :class:`~core.errors.Stopped`; no table is then written.

    Raises
    ------
    DiskFull, UnreadableFile
        The table cannot be written, or a piece cannot be read.
    """
    rows = unread = 0
    widths = [1, 1]
    texts = pieces.columns.formats[:2]
    for ids, problems in pieces.folder.pieces(pieces.count, texts):
        rows, unread = rows + len(ids), unread + int((problems != "").sum())
        widths = [max(width, width_of(values)) for width, values in zip(widths, (ids, problems), strict=True)]
    said = with_program({**about, "UNREAD": f"{unread} of {rows}"})
    columns = _Columns(predictor, decision, yardstick, *widths)
    done = 0
    with (
        atomic_path(table) as written,
        open_table(written, table.suffix.lower(), columns.formats, rows, said) as append,
    ):
        for values in pieces.folder.pieces(pieces.count, pieces.columns.formats):
            if stop.is_set():
                raise Stopped
            yield Progress(done, rows, "rows written")
            append(columns.values(Answered.of(values, pieces.columns)))
            done += len(values[0])
    if table.suffix.lower() == ".csv":
        _describe_csv(table, columns.formats, said)
    yield Progress(rows, rows, "rows written")
    return rows - unread, unread


class _Columns:
    """The columns of the table, and their values for the answers of a piece."""

    def __init__(
        self, predictor: Predictor, decision: Decision, yardstick: Yardstick | None, ids: int, problems: int
    ) -> None:
        self._names, self._target, self._decision = predictor.output_names, predictor.target, decision
        self._yardstick = yardstick
        self._has_decision = not isinstance(self._target, Quantities) and decision.kind != "most probable"
        texts = {
            "id": ids,
            "predicted": width_of(np.array(self._names)),
            "decision": len(decision.kind.encode()),
            "problem": problems,
        }
        answered = answer_columns(
            self._target, self._names, has_errors=predictor.has_error_bars, has_decision=self._has_decision
        )
        formats = [id_column(), *answered]
        formats += doubt_columns(self._target, self._names, predictor.causes_of_doubt)
        if predictor.side is not None:
            formats.append(ColumnFormat("inputs_missing", "f4", "", "meta.number", _ABSENT))
        if isinstance(self._target, Classes):
            formats.append(ColumnFormat("entropy", "f4", "", "stat.param", _ENTROPY))
        if yardstick is not None:
            formats.append(ColumnFormat("unlikeness", "f4", "", "stat.param", _UNLIKENESS))
            formats.append(ColumnFormat("more_unlike_than", "f4", "", "stat.param", _SHARE))
        formats.append(ColumnFormat("problem", "U", "", "meta.note", _PROBLEM))
        self.formats = [replace(each, width=texts[each.name]) if each.is_text else each for each in formats]

    def values(self, found: Answered) -> list[NDArray[Any]]:
        """The values of the columns."""
        values: list[NDArray[Any]] = [found.ids]
        is_there = found.problems == ""
        if not isinstance(self._target, Quantities):
            predicted = np.full(len(found.ids), "", dtype=np.array(self._names).dtype)
            predicted[is_there] = np.array(self._names)[self._decision.choose(found.scores[is_there])]
            values.append(predicted)
            values += [np.full(len(found.ids), self._decision.kind)] if self._has_decision else []
        for place in range(len(self._names)):
            values.append(found.scores[:, place])
            values += [] if found.errors is None else [found.errors[:, place]]
        values += found.doubts
        values += [] if found.absent is None else [found.absent]
        if isinstance(self._target, Classes):
            values.append(entropy_of(found.scores))
        if self._yardstick is not None and found.distances is not None:
            share = self._yardstick.share_below(found.distances)
            values += [found.distances, np.where(np.isnan(found.distances), np.nan, share)]
        return [*values, found.problems]


def entropy_of(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """The entropy of probabilities (n, K) over its largest value, ln K, float32 (n,); NaN where they are."""
    known = np.clip(probabilities.astype(np.float64), 1e-300, None)
    return (-(known * np.log(known)).sum(axis=1) / np.log(max(probabilities.shape[1], 2))).astype(np.float32)


def _describe_csv(table: Path, columns: Sequence[ColumnFormat], about: Mapping[str, str]) -> None:
    """Write beside a CSV table what it has no place for, as the W3C's “CSV on the Web” has it."""
    described = [
        {
            "name": column.name,
            "datatype": "string" if column.is_text else "number",
            "unit": column.unit,
            "ucd": column.ucd,
            "description": column.description,
        }
        for column in columns
    ]
    said = {
        "@context": "http://www.w3.org/ns/csvw",
        "url": table.name,
        "tableSchema": {"columns": described},
        "notes": [dict(about)],
    }
    content = json.dumps(said, indent=2, ensure_ascii=False) + "\n"
    write_atomically(table.with_name(f"{table.name}-metadata.json"), content)
