"""What the new network takes over from the one that it starts from: its classes and its bands."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.jobs.job import Latest
from app.session.session import Session
from app.train import work
from app.widgets.band_chooser import BandChooser
from app.widgets.class_map import ClassMapTable
from core.data.class_names import complete_mapping
from core.data.target import Classes, NoAnswers, outputs
from core.errors import Problem, SettingsProblem
from core.nets import band_mapping, weights_file
from core.nets.band_mapping import BandMapping


class BaseChoices(QWidget):
    """A table of the classes and a row of the bands, each where there is something to choose.

    Parameters
    ----------
    session
        Its draft ``settings.transfer`` is edited here.

    Notes
    -----
    Signals: ``changed`` when the network has been read, so that there may be another ``problem``.
    """

    changed = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._asked: tuple[Path, int] | None = None
        self._base: work.BaseOutline | None = None
        self._request = Latest(self)
        self.note = QLabel()
        self.note.setWordWrap(True)
        self.note.setProperty("role", "muted")
        self.classes = ClassMapTable()
        self.band_note = QLabel()
        self.band_note.setWordWrap(True)
        self.band_note.setProperty("role", "warning")
        self.bands = BandChooser()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (self.note, self.classes, self.band_note, self.bands):
            column.addWidget(widget)
        self._request.finished.connect(self._take_base)
        self._request.failed.connect(self._show_problem)
        self.classes.edited.connect(lambda mapping: session.draft.edit("transfer.class_map", mapping))
        self.bands.chosen.connect(lambda text: session.draft.edit("transfer.bands", text))
        self.bands.refused.connect(self.band_note.setText)
        session.draft.changed.connect(self.refresh)
        session.dataset.changed.connect(self.refresh)
        session.dataset.split_changed.connect(self.refresh)
        self.refresh()

    @property
    def problem(self) -> str:
        """Why no training can start from this network yet; empty: it can."""
        base, cutouts, chosen = self._base, self._session.dataset.cutouts, self._session.draft.settings.transfer
        if base is None or cutouts is None or not chosen.start_from:
            return ""
        bands = [band.name for band in cutouts.bands]
        if chosen.bands:
            try:
                BandMapping.parse(chosen.bands, bands, base.bands, "")
            except SettingsProblem as problem:
                return problem.text
            return ""
        if len(bands) == len(base.bands) or band_mapping.put_in_order(base.bands, bands) is not None:
            return ""
        if base.bands_from and BandMapping(base.bands_from).fits(bands):
            return ""
        return f"The earlier network takes {', '.join(base.bands)}: choose which bands feed it."

    def refresh(self) -> None:
        """Show what the draft starts from, with the open dataset."""
        start = self._session.draft.settings.transfer.start_from
        if not start or self._session.dataset.cutouts is None:
            self._asked = self._base = None
            self._request.stop()
            self.hide()
            return
        try:
            weights = weights_file.locate(start)
        except Problem as problem:
            self._asked = self._base = None
            self._show_problem(problem)
            return
        asked = (weights, weights.stat().st_mtime_ns if weights.exists() else 0)
        if asked != self._asked:
            self._asked, self._base = asked, None
            self._request.start(work.describe_base(weights))
        self._show()

    def _take_base(self, base: work.BaseOutline) -> None:
        self._base = base
        self._show()
        self.changed.emit()

    def _show_problem(self, problem: object) -> None:
        self.note.setText(problem.text if isinstance(problem, Problem) else str(problem))
        self.note.show()
        for widget in (self.classes, self.band_note, self.bands):
            widget.hide()
        self.show()

    def _show(self) -> None:
        base, target = self._base, self._session.dataset.target
        if base is None:
            return
        both = isinstance(base.target, Classes) and isinstance(target, Classes)
        self.classes.setVisible(both)
        self.note.setHidden(both or target is None)
        if isinstance(base.target, Classes) and isinstance(target, Classes):
            chosen = self._session.draft.settings.transfer.class_map
            found = complete_mapping(base.target.names, target.names, chosen)
            self.classes.show_classes(base.target.names, target.names, found)
        elif isinstance(base.target, NoAnswers):
            self.note.setText("The earlier network learned without labels: its blocks are taken over, its answers new.")
        elif target is not None:
            learned = ", ".join(outputs(base.target))
            self.note.setText(f"The earlier network learned {learned}; what has the same name and kind is taken over.")
        self._show_bands(base)
        self.setVisible(True)

    def _show_bands(self, base: work.BaseOutline) -> None:
        cutouts = self._session.dataset.cutouts
        assert cutouts is not None
        bands, chosen = [band.name for band in cutouts.bands], self._session.draft.settings.transfer.bands
        wanted, other = ", ".join(base.bands), ", ".join(bands)
        differ = tuple(bands) != base.bands or bool(chosen)
        self.band_note.setVisible(differ)
        self.bands.setVisible(differ)
        if not differ:
            return
        of_training = BandMapping(base.bands_from)
        in_order = band_mapping.put_in_order(base.bands, bands)
        text = chosen or (of_training.text if base.bands_from and of_training.fits(bands) else "")
        text = text or ("" if in_order is None else in_order.text)
        done = bool(text) and not self.problem
        self.band_note.setText(
            f"The earlier network's {wanted} are fed {text}."
            if done
            else f"The earlier network takes {wanted}; this dataset has {other}. Choose what feeds each of its bands."
        )
        self.band_note.setProperty("role", "muted" if done else "warning")
        self.band_note.style().unpolish(self.band_note)
        self.band_note.style().polish(self.band_note)
        self.bands.show_bands(base.bands, bands, text if done else band_mapping.suggest(base.bands, bands))
