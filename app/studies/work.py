"""Jobs of the Studies room, not yet started. They import ``core.studies`` late and take paths, as in ``app.work``."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from app.jobs.job import Job
from app.work import begin_unless_stopped
from core.adapt.suggest.settings import SuggestionStudySettings
from core.data.target import Target
from core.errors import Problem
from core.events import Preview, Work, map_events
from core.project.labels import LabelJournal
from core.settings.declare import Settings
from core.studies import study_folders
from core.studies.settings import SearchSettings, TrainingSizeSettings
from core.studies.study_folders import Study, StudyKind
from core.studies.transfer_settings import MatrixSettings, TransferStudySettings
from core.studies.trials import Search
from core.train.settings import RunSettings

if TYPE_CHECKING:
    from core.studies.matrix_study import MatrixStudy
    from core.studies.pictures import Grid, TransferLines
    from core.studies.size_lines import SizeLines
    from core.studies.size_study import SizeStudy
    from core.studies.suggestion_gain import SuggestionStudy
    from core.studies.transfer_study import TransferStudy

T = TypeVar("T")


def pack_study(kind: StudyKind, settings: RunSettings, study: Settings, data: Path, target: Path, title: str) -> Job:
    """Pack a study to be done on another machine; the result says what is in the package, and what to do there."""

    def run(stop: threading.Event) -> Work[str]:
        from core.project.packing import describe
        from core.studies import study_package

        packed = yield from study_package.pack(kind, settings, study, data, target, stop, title=title)
        return (
            f"{describe(packed, target)} On the other machine: tuningfork job run “{target.name}”. Its results are "
            "then beside it; open them here with File › Open package."
        )

    return Job("Packing the study", run)


@dataclass(frozen=True, eq=False)
class SizeSummary:
    """A training-size study so far, with its curve and sentences, which take a moment to compute.

    ``test`` is the same on the test part, if that was evaluated.
    """

    study: SizeStudy
    lines: SizeLines | None
    sentences: tuple[str, ...]
    test: SizeSummary | None


@dataclass(frozen=True, eq=False)
class EarlierSearch:
    """A search that was opened again, and its settings."""

    search: Search
    search_settings: SearchSettings


@dataclass(frozen=True, eq=False)
class EarlierSize:
    """A training-size study that was opened again, the settings of its runs and its own."""

    summary: SizeSummary
    base: RunSettings
    study_settings: TrainingSizeSettings


@dataclass(frozen=True, eq=False)
class Summary:
    """A study so far, as it is shown: pictures by their titles, sentences, and a table.

    ``test`` is the same on the test part, if that was judged.
    """

    study: TransferStudy | MatrixStudy | SuggestionStudy
    pictures: dict[str, TransferLines | Grid]
    sentences: tuple[str, ...]
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    test: Summary | None


@dataclass(frozen=True, eq=False)
class Earlier:
    """A study that was opened again, the settings of its runs and its own."""

    summary: Summary
    base: RunSettings
    study_settings: Settings


def list_studies(project: Path) -> Job:
    """List the studies of a project."""

    def run(stop: threading.Event) -> Work[list[Study]]:
        yield from begin_unless_stopped(stop)
        return study_folders.list_studies(project)

    return Job("Looking for studies", run)


def describe_changed_labels(folder: Path) -> Job:
    """Describe which labels have changed since a study began; an empty text: none."""

    def run(stop: threading.Event) -> Work[str]:
        from core.studies import changed_labels

        yield from begin_unless_stopped(stop)
        return changed_labels.describe(folder)

    return Job("Comparing labels", run)


def search(
    settings: RunSettings, data: Path, folder: Path, search_settings: SearchSettings, hand_labels: LabelJournal | None
) -> Job:
    """Search for good settings; previews are :class:`~core.studies.trials.Search`, with the error of the best."""

    def run(stop: threading.Event) -> Work[Search]:
        from core.studies import search as searching

        known: dict[str, float | None] = {}

        def with_noise(found: object) -> object:
            if not isinstance(found, Search) or found.best is None:
                return found
            if found.best.name not in known:
                known[found.best.name] = searching.with_sampling_error(found, data, hand_labels).noise
            return replace(found, noise=known[found.best.name])

        return (
            yield from _map_previews(
                searching.run(settings, data, folder, search_settings, stop, hand_labels=hand_labels), with_noise
            )
        )

    return Job(f"Searching “{study_folders.title_of(folder)}”", run)


def open_search(folder: Path, data: Path | None, hand_labels: LabelJournal | None) -> Job:
    """Open an earlier search; the error of its best score is known if its dataset is open."""

    def run(stop: threading.Event) -> Work[EarlierSearch]:
        from core.studies import search as searching

        yield from begin_unless_stopped(stop)
        found = searching.open_search(folder)
        if data is not None and searching.was_made_with(folder, data):
            found = searching.with_sampling_error(found, data, hand_labels)
        return EarlierSearch(found, searching.read_settings(folder)[1])

    return Job("Opening a search", run)


def training_size(
    settings: RunSettings,
    data: Path,
    folder: Path,
    study_settings: TrainingSizeSettings,
    hand_labels: LabelJournal | None,
) -> Job:
    """Train with more and more labels; previews are :class:`SizeSummary`."""

    def run(stop: threading.Event) -> Work[SizeSummary]:
        from core.studies import training_size as sizes
        from core.studies.size_study import SizeStudy

        def summarise(found: object) -> object:
            return _summarise_study(found) if isinstance(found, SizeStudy) else found

        work = _map_previews(
            sizes.run(settings, data, folder, study_settings, stop, hand_labels=hand_labels), summarise
        )
        return _summarise_study((yield from work))

    return Job(f"Studying “{study_folders.title_of(folder)}”", run)


def open_training_size(folder: Path) -> Job:
    """Open an earlier training-size study."""

    def run(stop: threading.Event) -> Work[EarlierSize]:
        from core.studies import training_size as sizes

        yield from begin_unless_stopped(stop)
        base, study_settings = sizes.read_settings(folder)
        return EarlierSize(_summarise_study(sizes.open_study(folder)), base, study_settings)

    return Job("Opening a study", run)


def transfer(
    settings: RunSettings,
    data: Path,
    folder: Path,
    study_settings: TransferStudySettings,
    hand_labels: LabelJournal | None,
) -> Job:
    """Study the move of a network to a dataset; previews are :class:`Summary`."""

    def run(stop: threading.Event) -> Work[Summary]:
        from core.studies import transfer as studying

        work = studying.run(settings, data, folder, study_settings, stop, hand_labels=hand_labels)
        return _summarise_move((yield from _map_previews(work, _summarise_move)))

    return Job(f"Studying “{study_folders.title_of(folder)}”", run)


def open_transfer(folder: Path) -> Job:
    """Open an earlier study of a move."""

    def run(stop: threading.Event) -> Work[Earlier]:
        from core.studies import transfer as studying

        yield from begin_unless_stopped(stop)
        return Earlier(_summarise_move(studying.open_study(folder)), *studying.read_settings(folder))

    return Job("Opening a study", run)


def matrix(settings: RunSettings, folder: Path, study_settings: MatrixSettings) -> Job:
    """Train on several surveys and judge on each; previews are :class:`Summary`."""

    def run(stop: threading.Event) -> Work[Summary]:
        from core.studies import matrix as studying

        work = studying.run(settings, folder, study_settings, stop)
        return _summarise_matrix((yield from _map_previews(work, _summarise_matrix)))

    return Job(f"Studying “{study_folders.title_of(folder)}”", run)


def open_matrix(folder: Path) -> Job:
    """Open an earlier transfer matrix."""

    def run(stop: threading.Event) -> Work[Earlier]:
        from core.studies import matrix as studying

        yield from begin_unless_stopped(stop)
        return Earlier(_summarise_matrix(studying.open_study(folder)), *studying.read_settings(folder))

    return Job("Opening a study", run)


def suggestions(
    settings: RunSettings,
    data: Path,
    folder: Path,
    study_settings: SuggestionStudySettings,
    hand_labels: LabelJournal | None,
) -> Job:
    """Study what it gains to label the proposed galaxies first; previews are :class:`Summary`."""

    def run(stop: threading.Event) -> Work[Summary]:
        from core.studies import suggestion_study as studying

        work = studying.run(settings, data, folder, study_settings, stop, hand_labels=hand_labels)
        return _summarise_suggestions((yield from _map_previews(work, _summarise_suggestions)))

    return Job(f"Studying “{study_folders.title_of(folder)}”", run)


def open_suggestions(folder: Path) -> Job:
    """Open an earlier study of label suggestion."""

    def run(stop: threading.Event) -> Work[Earlier]:
        from core.studies import suggestion_study as studying

        yield from begin_unless_stopped(stop)
        return Earlier(_summarise_suggestions(studying.open_study(folder)), *studying.read_settings(folder))

    return Job("Opening a study", run)


def list_scores(target: Target) -> Job:
    """List the names of the figures of merit for a target."""

    def run(stop: threading.Event) -> Work[tuple[str, ...]]:
        from core.metrics import merits

        yield from begin_unless_stopped(stop)
        return merits.names_for(target)

    return Job("Looking up scores", run)


def save_figure(found: Search | SizeStudy | TransferStudy | MatrixStudy | SuggestionStudy, path: Path) -> Job:
    """Draw the figure of a study."""

    def run(stop: threading.Event) -> Work[Path]:
        from core.studies import matrix_figure, search_figure, size_figure, suggestion_figure, transfer_figure
        from core.studies.matrix_study import MatrixStudy
        from core.studies.suggestion_gain import SuggestionStudy
        from core.studies.transfer_study import TransferStudy

        yield from begin_unless_stopped(stop)
        if isinstance(found, Search):
            search_figure.save(found, path)
        elif isinstance(found, TransferStudy):
            transfer_figure.save(found, path)
        elif isinstance(found, MatrixStudy):
            matrix_figure.save(found, path)
        elif isinstance(found, SuggestionStudy):
            suggestion_figure.save(found, path)
        else:
            size_figure.save(found, path)
        return path

    return Job(f"Drawing {path.name}", run)


def save_table(table: Path, path: Path) -> Job:
    """Copy a study's table."""

    def run(stop: threading.Event) -> Work[Path]:
        yield from begin_unless_stopped(stop)
        try:
            shutil.copyfile(table, path)
        except OSError as error:
            raise Problem(
                f"The table cannot be written ({error.strerror}).", "Choose another place.", str(path)
            ) from error
        return path

    return Job(f"Saving {path.name}", run)


def _summarise_study(study: SizeStudy) -> SizeSummary:
    from core.studies.size_lines import size_lines

    test = None if study.test is None else _summarise_study(study.test)
    return SizeSummary(study, size_lines(study) if study.points else None, study.sentences, test)


def _summarise_move(found: Any) -> Summary:
    from core.studies import transfer_lines, transfer_sentences

    study: TransferStudy = found
    header, rows = transfer_sentences.make_table(study)
    pictures, sentences = transfer_lines.make_pictures(study), transfer_sentences.describe(study)
    test = None if study.on_test is None else _summarise_move(study.on_test)
    return Summary(study, pictures, sentences, header, tuple(rows), test)


def _summarise_matrix(found: Any) -> Summary:
    study: MatrixStudy = found
    pictures: dict[str, TransferLines | Grid] = {grid.what: grid for grid in study.grids}
    test = None if study.on_test is None else _summarise_matrix(study.on_test)
    return Summary(study, pictures, study.sentences, (), (), test)


def _summarise_suggestions(found: Any) -> Summary:
    from core.studies import suggestion_lines

    study: SuggestionStudy = found
    header, rows = suggestion_lines.make_table(study)
    pictures: dict[str, TransferLines | Grid] = {**suggestion_lines.make_pictures(study)}
    return Summary(study, pictures, study.sentences, header, tuple(rows), None)


def _map_previews(work: Work[T], change: Callable[[object], object]) -> Work[T]:
    """Run the work with its previews changed."""
    return map_events(work, lambda event: [Preview(change(event.what)) if isinstance(event, Preview) else event])
