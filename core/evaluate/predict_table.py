"""Predictions of any dataset or image files as a table, piece by piece: a million galaxies in constant memory.

Image files are made into stamps as those of the training a few thousand at a time, by other processes; they are never a
dataset as a whole. Each piece of the answers is written wholly or not at all, so that what was interrupted goes on
where it stood, see :mod:`core.evaluate.unfinished_table`. In the end one table is made of the pieces. It has a row for
every galaxy, also for what could not be read: that has its reason in the column ``problem``, and no answer.

``entropy`` is that of the probabilities, over its largest value. ``unlikeness`` is the Mahalanobis distance of the
network's features from those of its training galaxies, see :mod:`core.evaluate.unusual`.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from core.data import importing
from core.data.import_pieces import PiecePlan, digest_of, divide
from core.data.importing import Prepared
from core.data.piece_pool import making, usual_workers
from core.data.target import Classes
from core.errors import NotPossible, Problem, Stopped
from core.evaluate import decision as decisions
from core.evaluate import raw_files, tables, unusual
from core.evaluate.error_sentences import describe_errors
from core.evaluate.finished_table import Pieces, assemble
from core.evaluate.flags import read_seen
from core.evaluate.network_identity import NetworkIdentity
from core.evaluate.own_data import predict_validation
from core.evaluate.piece_answers import Answered, PieceColumns, answer, none_answered
from core.evaluate.predict import Predictions, decide
from core.evaluate.raw_files import Sources
from core.evaluate.unfinished_table import UnfinishedTable
from core.evaluate.unusual import Yardstick
from core.evaluate.written_table import Wish, WrittenTable
from core.events import NEVER, Event, Progress, Skipped, Work, map_events
from core.metrics.decision import MOST_PROBABLE, Decision
from core.nets import device as devices
from core.nets import zero_points
from core.nets.opening import NetworkOnData, open_network_on_data
from core.nets.predictor import Predictor
from core.project.files import require_replaceable
from core.settings.toml import dumps
from core.version import PROGRAM
from core.wording import count_of

T = TypeVar("T")
_TRAINING_GALAXIES = 5000  # with which galaxies are compared; more tell the same
_ROWS = 4096  # of a dataset, in a piece
_CONTINUED = "The prediction goes on where it was interrupted: {done} are there."
_KEPT = "The answers for {done} are kept; the same prediction goes on from there."
_NAMED = 20  # problems that are kept for the report
_AS_USUAL = Wish()
_CHANGED = "The network, its calibration or the choice of its bands was changed while this table was being made."
_MOST_READERS = 8  # processes


def run(
    network: Path | str,
    data: Sources,
    table: Path,
    stop: threading.Event = NEVER,
    *,
    wish: Wish = _AS_USUAL,
    choose_bands: Callable[[Sequence[str]], object] | None = None,
) -> Work[WrittenTable]:
    """Predict galaxies of a dataset or of image files, and write a table.

    Yields :class:`~core.events.Progress`, and a :class:`~core.events.Skipped` for each warning and for what could not
    be read. Until the table is written, also if the work is stopped or killed or meets with a problem, what is there
    lies beside it in a folder of its name with ``.unfinished``; the same call goes on with it.

    Parameters
    ----------
    network
        A weights file, or the folder of a run.
    data
        The dataset, or image files and folders.
    table
        The file, replaced if it exists; its extension is one of :func:`core.evaluate.table_formats.writers`.
    stop
        Ends the work with :class:`~core.errors.Stopped`.
    wish
        How it is to be made.
    choose_bands
        Is called with the names of the bands of image files before a network sees them.

    Raises
    ------
    NotPossible
        The stamps do not fit the network, the decision cannot be made here, or the network was changed meanwhile.
    SettingsProblem
        There is no such decision or format.
    NotANumber
        None of a few thousand answers is finite.
    UnreadableFile, WrongVersion
        A file cannot be read.
    DiskFull, FolderInUse, FolderMoved
        The table cannot be written.

    Examples
    --------
    >>> from core.events import result_of
    >>> result_of(run("runs/first", "survey.h5", Path("table.csv"))).galaxies
    90
    """
    tables.require_known_ending(table)
    require_replaceable(table)
    predictor, identity = Predictor.load(network), NetworkIdentity.of(network)
    validation = None
    if decisions.is_estimated(wish.decision):
        validation = yield from predict_validation(network, stop)
    told, held = _Told(), list[Event]()
    yardstick = yield from map_events(_make_yardstick(Path(network), wish, stop), lambda event: _hold(event, held))
    with UnfinishedTable(table) as folder:
        job = _Job(Path(network), predictor, identity, folder, wish, yardstick, told, stop)
        try:
            if raw_files.are_raw(data):
                yield from job.answer_files(data, choose_bands)
            else:
                yield from job.answer_dataset(Path(data if isinstance(data, str | Path) else data[0]))
            for event in held:
                yield from told.pass_on(event)
            pieces = Pieces(folder, job.done, job.columns)
            decision = _decide(predictor, network, wish, validation, pieces)
            about = job.about | ({} if decision is None else {"DECISION": decision.text})
            galaxies, unread, flagged = yield from assemble(
                pieces, table, predictor, decision or MOST_PROBABLE, yardstick, about, stop
            )
        except BaseException as error:
            if not job.done:
                folder.discard()
            elif isinstance(error, Problem | OSError | Stopped):
                yield Skipped(Problem(_KEPT.format(done=count_of(job.galaxies, "galaxy")), "", str(folder.folder)))
            raise
        folder.discard()
    return WrittenTable(
        table,
        galaxies,
        unread,
        job.left_out,
        decision,
        told.problems,
        job.notes,
        flagged if job.columns.has_flags else None,
        job.about.get("ERRORS", ""),
    )


def _hold(event: Event, held: list[Event]) -> list[Event]:
    """Keep warnings until it is known that the network fits the images at all."""
    if isinstance(event, Skipped):
        held.append(event)
        return []
    return [event]


def _make_yardstick(network: Path, wish: Wish, stop: threading.Event) -> Work[Yardstick | None]:
    if not wish.unlikeness:
        return None
    try:
        training = yield from unusual.read_training_galaxies(network, stop, _TRAINING_GALAXIES)
        return (yield from unusual.make_yardstick(training, stop))
    except Problem as problem:
        yield Skipped(
            Problem(
                f"It is not told how unlike the training galaxies these are: {problem.sentence}",
                problem.remedy,
                problem.where,
            )
        )
        return None


def _decide(
    predictor: Predictor, network: Path | str, wish: Wish, validation: decisions.Labelled | None, pieces: Pieces
) -> Decision | None:
    """How classes follow from probabilities; None where there are none."""
    names = predictor.output_names
    scores = np.empty((0, len(names)), np.float32)
    if decisions.is_estimated(wish.decision):
        scores = pieces.read_scores()
    nobody = Predictions((), names, scores, predictor.target, np.empty(0, np.int64))
    decided = decide(nobody, predictor, network, wish.decision, validation)
    return decided.decision if isinstance(predictor.target, Classes) else None


def _describe(prepared: Prepared, catalogue: Path | None) -> str:
    """All that decides how the stamps of image files are made, beside the files."""
    status = None if catalogue is None else catalogue.stat()
    about = "" if status is None else f"{catalogue} {status.st_size} {status.st_mtime_ns}"
    return f"{dumps(prepared.settings)}\n{prepared.plan}\n{about}"


def _say(notes: Sequence[str]) -> Work[None]:
    for note in notes:
        yield Skipped(Problem(note))


class _Told:
    """Passes each warning on once, though every piece repeats it, perhaps with other numbers."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._said: set[str] = set()

    def pass_on(self, event: Event, where: str = "") -> list[Event]:
        """The event, or nothing if it is a warning that was passed on before."""
        if not isinstance(event, Skipped):
            return [event]
        problem = event.problem
        key = re.sub(r"\d[\d.,e+-]*", "#", problem.sentence)
        if key in self._said:
            return []
        self._said.add(key)
        if where and not problem.where:
            problem = type(problem)(problem.sentence, problem.remedy, where)
        self.problems.append(problem)
        return [Skipped(problem)]


class _Job:
    """One table in the making; ``done`` pieces of it are there, of so many ``galaxies``."""

    def __init__(
        self,
        network: Path,
        predictor: Predictor,
        identity: NetworkIdentity,
        folder: UnfinishedTable,
        wish: Wish,
        yardstick: Yardstick | None,
        told: _Told,
        stop: threading.Event,
    ) -> None:
        self._network, self._identity, self._folder, self._wish = network, identity, folder, wish
        self._yardstick, self._told, self._stop = yardstick, told, stop
        self._beside = () if predictor.side is None else predictor.side.names
        self.columns = PieceColumns.of(predictor, has_unlikeness=yardstick is not None)
        self.about = {"RUN": str(predictor.card.get("run", "")), **identity.about}
        if yardstick is not None:
            training = yardstick.training
            self.about["UNLIKE"] = (
                f"compared with {len(training.rows)} of {training.total} training galaxies of {training.data.name}"
            )
        self.done = self.galaxies = 0
        self.left_out: list[Problem] = []
        self.notes: list[str] = []
        if predictor.temperature is not None:
            self.about["TEMPERAT"] = predictor.temperature.sentence
            self.notes.append(f"{predictor.temperature.sentence}.")
        self._seen: frozenset[str] = frozenset()
        if self.columns.has_flags:
            self._seen = read_seen(network)
            self.about["ERRORS"] = describe_errors(predictor)

    # -- a dataset -------------------------------------------------------------------------------------------------

    def answer_dataset(self, data: Path) -> Work[None]:
        """Answer all galaxies of a dataset."""
        with open_network_on_data(self._network, data, given_zero_points=self._wish.zero_points) as opened:
            self._describe_pixels(opened)
            checksum = yield from opened.whole.read_checksum(self._stop)
            self.about["DATA"] = data.name
            count = len(opened.cutouts)
            ranges = [range(first, min(first + _ROWS, count)) for first in range(0, count, _ROWS)]
            there = self._folder.begin(self._recipe(checksum, count, *self._wish.zero_points), self.about)[
                : len(ranges)
            ]
            yield from self._say_continued(len(there), sum(map(len, ranges[: len(there)])))
            for problem in opened.remarks_on():  # on all of them, before each piece tells its own
                yield from self._told.pass_on(Skipped(problem))
            for number in range(len(there), len(ranges)):
                rows = ranges[number]
                work = answer(opened, np.arange(rows.start, rows.stop), self._yardstick, self._stop, self._seen)
                found = yield from self._follow(work, rows.start, count, several=len(ranges) > 1)
                self._add(number, found, "")

    # -- image files -----------------------------------------------------------------------------------------------

    def answer_files(self, data: Sources, choose_bands: Callable[[Sequence[str]], object] | None) -> Work[None]:
        """Answer all galaxies in image files and folders."""
        recipe, settings, sentence = raw_files.find_settings(self._network, self._wish.all_changes)
        catalogue = self._wish.catalogue
        prepared = yield from importing.decide_format(data, settings, catalogue, self._stop, recipe)
        if choose_bands is not None:
            choose_bands(prepared.plan.bands)
            self._identity = NetworkIdentity.of(self._network)  # which the choice is part of
        self.notes = [sentence, *filter(None, [prepared.decision]), *self.notes]
        common = PiecePlan.of(prepared, self._beside)
        pieces = divide(prepared.found, prepared.plan, settings.hdu)
        total = sum(galaxies for _, galaxies in pieces)
        there = self._folder.begin(self._recipe(_describe(prepared, catalogue)), self.about)
        first = next(
            (number for number, seen in enumerate(there[: len(pieces)]) if seen != digest_of(pieces[number][0])),
            min(len(there), len(pieces)),
        )
        self._folder.cut(first)
        before = sum(galaxies for _, galaxies in pieces[:first])
        yield from self._say_continued(first, before)
        left = [(sources, self._folder.stamps(number)) for number, (sources, _) in enumerate(pieces)][first:]
        unlisted = [*prepared.found.problems, *(prepared.joined.problems if prepared.joined is not None else [])]
        with making(common, left, self._readers(), self._stop) as take:
            for number in range(first, len(pieces)):
                made = yield from self._follow(take(), before, total)
                problems = [*(unlisted if number == 0 else []), *made.problems]
                found = none_answered(self.columns)
                if made.galaxies:
                    stamps = self._folder.stamps(number)
                    if choose_bands is None:  # nobody could: say where it can be done
                        raw_files.require_fitting_bands(self._network, stamps)
                    found = yield from self._answer_piece(stamps, before, total, len(pieces) > 1)
                for problem in problems:
                    self.left_out += [problem] if len(self.left_out) < _NAMED else []
                    yield Skipped(problem)
                yield from map_events(_say(made.notes), self._told.pass_on)
                self._add(number, found.with_unread(problems), made.seen)
                before += pieces[number][1]

    def _answer_piece(self, stamps: Path, before: int, total: int, several: bool) -> Work[Answered]:
        try:
            with open_network_on_data(self._network, stamps) as opened:
                self._describe_pixels(opened)
                work = answer(opened, None, self._yardstick, self._stop, self._seen)
                return (yield from self._follow(work, before, total, several=several))
        finally:
            stamps.unlink(missing_ok=True)

    def _describe_pixels(self, opened: NetworkOnData) -> None:
        if self.columns.has_flags:
            self.about["PIXELS"] = zero_points.describe_pixels(opened.cutouts, opened.whole, opened.predictor)

    def _readers(self) -> int:
        if self._wish.workers is not None:
            return self._wish.workers
        return 1 if devices.choose().type == "cpu" else min(max(usual_workers() - 1, 1), _MOST_READERS)

    # -- both ------------------------------------------------------------------------------------------------------

    def _recipe(self, *data: object) -> str:
        """The digest of all on which the answers depend."""
        parts = (PROGRAM, self._identity, self.columns, self.about.get("UNLIKE"), data)
        return hashlib.blake2b(repr(parts).encode("utf-8", "backslashreplace"), digest_size=16).hexdigest()

    def _say_continued(self, pieces: int, galaxies: int) -> Work[None]:
        self.done, self.galaxies = pieces, galaxies
        if pieces:
            yield Skipped(Problem(_CONTINUED.format(done=count_of(galaxies, "galaxy")), "", str(self._folder.folder)))

    def _follow(self, work: Work[T], before: int, total: int, *, several: bool = False) -> Work[T]:
        """Do the work of a piece, and report how far the whole table is."""
        where = f"galaxies from {before + 1:,} on" if several and before else ""

        def convert(event: Event) -> list[Event]:
            if isinstance(event, Progress):
                done = event.done if event.unit == "galaxies" else 0
                return [Progress(min(before + done, total), total, "galaxies")]
            return self._told.pass_on(event, where)

        return (yield from map_events(work, convert))

    def _add(self, number: int, found: Answered, seen: str) -> None:
        if NetworkIdentity.of(self._network) != self._identity:
            raise NotPossible(_CHANGED, "Predict again: it begins anew.", str(self._network))
        self._folder.add(number, self.columns.formats, found.values, seen)
        self.done, self.galaxies = number + 1, self.galaxies + len(found.ids)
