"""The gallery's galaxies in an order that a network gives: the most alike to some first, or the strangest first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QMenu

from app.data import work
from app.data.widgets.ranking_line import RankingLine
from app.jobs.job import Job, Latest
from app.session.pair import Pair
from app.session.session import Session
from app.theme import icon
from core.errors import Problem
from core.events import Progress
from core.project.runs import describe_weights
from core.wording import percent

if TYPE_CHECKING:
    from core.evaluate.similar import SimilarGalaxies, SimilarityIndex
    from core.evaluate.unusual import Unlikeness

_NUMBER = 300  # similar galaxies shown, and strange ones whose nearest training galaxy is named
_MARKED = 20  # neighbours marked on the map
NO_NETWORK = "There is no network yet: train one, or choose a run among the runs."


class GalleryRanking(QObject):
    """Asks for rankings, and holds the one that is shown.

    Parameters
    ----------
    session
        The network of its open run looks at its open dataset; the nearest galaxies are shared with it.

    Attributes
    ----------
    line
        Says what is shown, and has the button that leads back.

    Notes
    -----
    Signals: ``changed`` when another ranking is shown, or none.
    """

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.line = RankingLine()
        self._session = session
        self._order: NDArray[np.int64] | None = None
        self._label: Callable[[int], str] = str
        self._tip: Callable[[int], str] = str
        self._index: tuple[Pair, SimilarityIndex] | None = None
        self._pair: Pair | None = None
        self._asked: tuple[int, ...] = ()
        self._finding, self._ranking = Latest(self), Latest(self)
        self._finding.finished.connect(self._show_similar)
        self._ranking.finished.connect(self._show_unusual)
        for request in (self._finding, self._ranking):
            request.failed.connect(self._fail)
            request.happened.connect(self._report)
        self.line.left.connect(self.clear)
        session.predictor_changed.connect(self._drop_outdated)

    # -- what is shown ---------------------------------------------------------------------------------------------

    @property
    def is_shown(self) -> bool:
        """Whether a ranking is shown."""
        return self._order is not None

    @property
    def order(self) -> NDArray[np.int64] | None:
        """The rows of the ranking in its order; None: none is shown."""
        return self._order

    def label(self, row: int) -> str:
        """What stands under the thumbnail of a galaxy."""
        return self._label(row)

    def describe(self, row: int) -> str:
        """What the tooltip says of a galaxy; empty: nothing."""
        return self._tip(row) if self.is_shown else ""

    def clear(self) -> None:
        """Show no ranking, and stop what looks for one."""
        self._finding.stop()
        self._ranking.stop()
        self.line.hide()
        if len(self._session.neighbours):
            self._session.set_neighbours(np.empty(0, dtype=np.int64))
        self._order = self._pair = None
        self.changed.emit()

    def _drop_outdated(self) -> None:
        if self._pair is not None and Pair.of(self._session) != self._pair:
            self.clear()

    def offer(self, menu: QMenu, rows: Sequence[int]) -> None:
        """Add the entry that finds more galaxies like these to a menu."""
        title = "Find more like this" if len(rows) <= 1 else "Find more like these"
        action = menu.addAction(icon("mdi6.image-multiple-outline"), title)
        action.triggered.connect(lambda _checked=False: self._session.similar_wanted.emit(np.array(rows)))
        action.setEnabled(self._session.predictor_path is not None)
        action.setToolTip("The galaxies most alike to the network." if action.isEnabled() else NO_NETWORK)

    # -- asking ----------------------------------------------------------------------------------------------------

    def find_similar(self, rows: Sequence[int]) -> None:
        """Rank the galaxies most alike to these."""
        pair = Pair.of(self._session)
        if pair is None or not len(rows):
            self.line.say(NO_NETWORK, "warning")
            return
        known = self._index[1] if self._index is not None and self._index[0] == pair else None
        self._asked = tuple(rows)
        self._ranking.stop()
        self._start(self._finding, work.find_similar(pair, self._asked, _NUMBER, known), pair, is_long=known is None)

    def rank_unusual(self) -> None:
        """Rank all galaxies by how unlike the training galaxies they are."""
        pair = Pair.of(self._session)
        if pair is None:
            self.line.say(NO_NETWORK, "warning")
            return
        self._finding.stop()
        self._start(self._ranking, work.rank_unusual(pair, _NUMBER), pair, is_long=True)

    def _start(self, request: Latest, job: Job, pair: Pair, *, is_long: bool) -> None:
        self._pair = pair
        self.line.say("Looking…")
        request.start(job)
        if is_long:
            self._session.activity.add(job)

    def _report(self, events: Sequence[object]) -> None:
        reported = [event for event in events if isinstance(event, Progress) and event.unit and event.total]
        if reported:
            self.line.say(f"Looking… {reported[-1].done:,} of {reported[-1].total:,} {reported[-1].unit}")

    def _fail(self, problem: object) -> None:
        if isinstance(problem, Problem):
            self.line.say(problem.text, "problem")
        else:
            self.line.hide()
            self._session.report(problem)

    # -- answers ---------------------------------------------------------------------------------------------------

    def _show_similar(self, result: tuple[SimilarityIndex, SimilarGalaxies]) -> None:
        assert self._pair is not None
        index, found = result
        self._index = self._pair, index
        cutouts, asked = self._session.dataset.cutouts, self._asked
        places = {row: place for place, row in enumerate(found.rows.tolist())}
        one = f"“{cutouts.ids[asked[0]]}”" if cutouts is not None and len(asked) == 1 else f"{len(asked):,} galaxies"
        mean = "" if len(asked) == 1 else ", the mean to all of them"
        self.line.say(
            f"The {len(found):,} galaxies most alike to {one} for {describe_weights(self._pair.predictor)}, with the "
            f"cosine distance of their features{mean}."
        )

        def label(row: int) -> str:
            return f"{found.distances[places[row]]:.4f}" if row in places else "asked for"

        def tip(row: int) -> str:
            if row not in places:
                return ""
            share = 100 * found.closer_than[places[row]]
            return f"Distance {label(row)}: closer than {share:.2f} % of random pairs of these galaxies."

        self._label, self._tip = label, tip
        self._order = np.concatenate([np.array(asked, dtype=np.int64), found.rows])
        self._session.set_neighbours(found.rows[:_MARKED])
        self.changed.emit()

    def _show_unusual(self, result: tuple[Unlikeness, list[str]]) -> None:
        assert self._pair is not None
        found, nearest = result
        alike = dict(zip(found.order[: len(nearest)].tolist(), nearest, strict=True))
        self.line.say(
            f"Most unlike the {found.training.total:,} training galaxies of {describe_weights(self._pair.predictor)} "
            "first, with how many of them are less unlike the others."
        )

        def tip(row: int) -> str:
            about = f"More unlike than {percent(found.more_than[row], 1)} of the training galaxies."
            return f"{about}\nNearest training galaxy: {alike[row]}" if row in alike else about

        self._label, self._tip = lambda row: percent(found.more_than[row], 1), tip
        self._order = found.order
        self._session.set_neighbours(np.empty(0, dtype=np.int64))
        self.changed.emit()
