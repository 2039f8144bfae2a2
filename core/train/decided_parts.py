"""Parts that are decided before a training draws any: those of its study, of a column, or of its project."""

from __future__ import annotations

from core.data import kept_parts, parts
from core.data.cutouts import Cutouts
from core.data.settings import DataSettings
from core.data.split import NOTHING_DECIDED, Decided
from core.errors import SettingsProblem
from core.project.labels import LabelJournal


def read_decided(cutouts: Cutouts, data: DataSettings, hand_labels: LabelJournal | None) -> Decided:
    """The parts of a dataset that were decided before its split: by a study, a column or the project."""
    is_of_study = kept_parts.is_of_study(hand_labels)  # also where the study's parts were given by a column
    if not is_of_study and (column := parts.column_in_use(data.split_column, cutouts.split_column)):
        if column not in cutouts.columns:
            raise SettingsProblem(
                f"There is no column “{column}”.",
                f"The columns are: {', '.join(cutouts.columns)}.",
                "data.split_column",
            )
        return Decided(given=parts.read_given(cutouts.columns[column], column), column=column)
    kept = kept_parts.read(cutouts.path, hand_labels)
    if kept is not None and is_of_study:
        return Decided(kept.numbers(cutouts.ids), kept.seed)
    if kept is None or not kept_parts.applies(kept, data, cutouts.split_column):
        return NOTHING_DECIDED
    return Decided(kept.numbers(cutouts.ids), kept.seed)
