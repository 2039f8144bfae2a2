"""A dataset as it is opened to be looked at and labelled: with its hand labels, its target and its parts.

All that takes long for a million galaxies is done here, on whichever thread, so that a window only has to show it.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Container
from dataclasses import dataclass

from core.data.cutouts import Cutouts
from core.data.kept_parts import KeptState
from core.data.labelled_catalogue import LabelledCatalogue
from core.data.parts import holds_flags, holds_parts
from core.data.settings import DRAWN, DataSettings
from core.data.target import Quantities, VoteFractions
from core.errors import Problem, UnreadableFile
from core.events import NEVER, Work
from core.pieces import next_step
from core.project.labels import JournalState, LabelJournal
from core.project.votes import Votes


@dataclass(eq=False)
class OpenedDataset:
    """An open dataset and what is known of it.

    Attributes
    ----------
    cutouts
        The open file; it belongs to whoever receives it.
    catalogue
        Its catalogue with hand labels, with target and parts by the settings it was opened with.
    journal
        Labels given by hand; None outside a project.
    votes, labels_problem
        Those labels person by person, and what of them cannot be read.
    kept
        The parts that earlier trainings have decided.
    columns_with_parts
        Its columns that say train, validation or test for each galaxy.
    """

    cutouts: Cutouts
    catalogue: LabelledCatalogue
    journal: LabelJournal | None
    votes: Votes
    labels_problem: Problem | None
    kept: KeptState
    columns_with_parts: list[str]
    _labels_at: JournalState | None = None

    @property
    def has_present_labels(self) -> bool:
        """Whether no label was given since its labels were read."""
        return self.journal is None or self.journal.state == self._labels_at

    def close(self) -> None:
        """Close the file."""
        self.cutouts.close()


def prepare(
    cutouts: Cutouts,
    journal: LabelJournal | None,
    data: DataSettings,
    seed: int,
    stop: threading.Event = NEVER,
) -> Work[OpenedDataset]:
    """Read the hand labels of an open dataset, and find its target and parts.

    Parameters
    ----------
    cutouts
        The dataset; it is closed if this fails or is stopped.
    journal
        Its hand labels; None: there are none.
    data, seed
        What is learned, and how the parts are drawn; columns that the dataset lacks are left out of account.
    stop
        Checked between the steps.

    Raises
    ------
    Stopped
        ``stop`` was set.
    """
    with contextlib.ExitStack() as on_failure:
        on_failure.callback(cutouts.close)
        yield from cutouts.read_checksum(stop)
        yield from next_step(stop)
        labels_at = None if journal is None else journal.state
        votes, problem = _read_votes(journal)
        yield from next_step(stop)
        catalogue = LabelledCatalogue(
            cutouts.ids, cutouts.columns, cutouts.labels, cutouts.units, votes.labels(), cutouts.split_column
        )
        kept, settings = KeptState.read(cutouts.path, journal), (fitting(data, catalogue.columns), seed)
        yield from draw(catalogue, kept, settings, stop, is_labelled=journal is not None)
        opened = OpenedDataset(
            cutouts, catalogue, journal, votes, problem, kept, columns_with_parts(cutouts), labels_at
        )
        on_failure.pop_all()
        return opened


def draw(
    catalogue: LabelledCatalogue,
    kept: KeptState,
    settings: tuple[DataSettings, int],
    stop: threading.Event = NEVER,
    *,
    is_labelled: bool,
) -> Work[None]:
    """Find target and parts by settings and seed, and prepare the labels for being given by hand.

    Parameters
    ----------
    catalogue
        Whose target and parts.
    kept
        The parts that were decided before.
    settings
        What is learned and how the parts are drawn, and the seed.
    stop
        Checked between the steps.
    is_labelled
        Whether labels can be given.

    Raises
    ------
    Stopped
        ``stop`` was set.
    """
    yield from next_step(stop)
    catalogue.keep_parts(kept.parts)
    catalogue.apply_settings(*settings)
    if is_labelled:
        catalogue.prepare_labels()
    yield from next_step(stop)
    _ = catalogue.split
    yield from next_step(stop)
    _ = catalogue.part_notices
    if isinstance(catalogue.target, Quantities | VoteFractions):
        for name in catalogue.target.columns:
            yield from next_step(stop)
            catalogue.summary(name)
    yield from next_step(stop)


def _read_votes(journal: LabelJournal | None) -> tuple[Votes, Problem | None]:
    if journal is None:
        return Votes(), None
    try:
        read = journal.frozen()
        return read.votes(), read.problem
    except UnreadableFile as problem:
        return Votes(), problem


def fitting(data: DataSettings, columns: Container[str]) -> DataSettings:
    """The settings without the columns that a dataset lacks, which were of another one."""
    if any(name not in columns for name in (*data.labels, *filter(None, (data.group, data.votes)))):
        data = data.model_copy(update={"labels": (), "group": "", "votes": ""})
    if data.split_column not in {"", DRAWN} and data.split_column not in columns:
        data = data.model_copy(update={"split_column": ""})
    return data


def columns_with_parts(cutouts: Cutouts) -> list[str]:
    """The columns of a dataset that say train, validation or test for each galaxy."""
    return [name for name, values in cutouts.columns.items() if holds_parts(values) or holds_flags(values, name)]
