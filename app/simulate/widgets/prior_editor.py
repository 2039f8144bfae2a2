"""One prior: a line with its name, what it is and its density; opened, the form of its settings and a larger plot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.simulate.widgets.density_plot import DensityPlot
from app.widgets.forms import SettingsForm
from app.widgets.message_line import MessageLine
from app.widgets.path_field import offer_files
from core.settings.declare import Knob, knobs
from core.simulate.priors import Prior

_POINTS = 121
_INDENT = 20  # pixels
_TABLES = "Tables (*.csv *.txt *.dat *.fits *.fit *.xml *.vot *.parquet *.ecsv)"


class PriorEditor(QWidget):
    """A prior that can be changed.

    Parameters
    ----------
    knob
        The setting that holds it: its title, and its help as the tooltip.
    prior
        Its initial value.
    others
        Names of the parameters that it may be tied to; empty: any.

    Notes
    -----
    Signals: ``changed()`` after every change by the user that leaves it valid; ``problem_changed()`` when what is typed
    becomes invalid or valid; ``density_wanted(prior)`` for one from a catalogue, whose density is not known at once:
    the answer is given to :meth:`set_density`.
    """

    changed = Signal()
    problem_changed = Signal()
    density_wanted = Signal(object)

    def __init__(self, knob: Knob, prior: Prior, others: Sequence[str] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.knob, self._prior, self._others = knob, prior, others
        self.form: SettingsForm | None = None
        self.button = QToolButton()
        self.button.setText(knob.title)
        self.button.setToolTip(f"<p>{knob.help}</p>" + (f"<p><i>{knob.source}</i></p>" if knob.source else ""))
        self.button.setCheckable(True)
        self.button.setAutoRaise(True)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.button.setArrowType(Qt.ArrowType.RightArrow)
        self.button.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.summary = MessageLine(1, grows=True)
        self.small, self.large = DensityPlot(is_small=True), DensityPlot(is_small=False)
        head = QHBoxLayout()
        head.setSpacing(6)
        head.addWidget(self.button)
        head.addWidget(self.summary, 1)
        head.addWidget(self.small)
        self._inside = QWidget()
        self._inner = QVBoxLayout(self._inside)
        self._inner.setContentsMargins(_INDENT, 0, 0, 8)
        self._inner.addWidget(self.large)
        self._inside.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(head)
        column.addWidget(self._inside)
        self.button.toggled.connect(self._toggled)
        self._show()

    @property
    def value(self) -> Prior:
        """The last valid prior."""
        return self._prior

    def set_value(self, prior: Prior) -> None:
        """Show another prior without emitting ``changed``."""
        if prior != self._prior or self.problem:
            self._prior = prior
            if self.form is not None:
                self.form.set_value(prior)
            self._show()

    @property
    def problem(self) -> str:
        """The reason why what was typed is not valid; empty if it is."""
        return "" if self.form is None else self.form.problem

    def set_density(self, values: NDArray[np.float64], density: NDArray[np.float64]) -> None:
        """Show the density of the prior."""
        for plot in (self.small, self.large):
            plot.set_density(values, density, unit_of(self._prior))

    def request_density(self) -> None:
        """Emit ``density_wanted`` again, if the density is that of a catalogue."""
        if self._prior.kind == "column":
            self.density_wanted.emit(self._prior)

    def _toggled(self, opened: bool) -> None:
        self.button.setArrowType(Qt.ArrowType.DownArrow if opened else Qt.ArrowType.RightArrow)
        if opened and self.form is None:  # of a dozen priors, few are ever opened
            self.form = SettingsForm(type(self._prior), self._prior)
            offer_files(self.form, "table", "Catalogue with the values", _TABLES)
            if self._others:
                known = (self._prior.tied_to, knobs(type(self._prior))["tied_to"].default)
                self.form.offer("tied_to", list(dict.fromkeys((*self._others, *known))), empty=None)
            self.form.changed.connect(self._edited)
            self.form.problem_changed.connect(self.problem_changed)
            self._inner.insertWidget(0, self.form)
        self._inside.setVisible(opened)

    def _edited(self, prior: Prior) -> None:
        self._prior = prior
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        self.summary.setText(summarise(self._prior))
        if self._prior.kind == "column":
            self.set_density(np.empty(0), np.empty(0))
            self.request_density()
        else:
            values = np.linspace(*self._prior.support, _POINTS)
            self.set_density(values, self._prior.density(values))


def unit_of(prior: Prior) -> str:
    """The unit of a prior's values; empty: none."""
    return str(getattr(prior, "unit", "")) or knobs(type(prior))["low"].unit


def summarise(prior: Prior) -> str:
    """A prior in a few words, such as ``log-uniform, 1.58 – 20 pixels``."""
    limits = f"{prior.low:.4g} – {prior.high:.4g} {unit_of(prior)}".strip()
    match prior.kind:
        case "column":
            return f"as {prior.column or '?'} of {Path(prior.table).name or '?'}, {limits}"
        case "tied":
            return f"tied to {prior.tied_to.replace('_', ' ')}, {limits}"
        case "normal":
            return f"{prior.typical:.4g} ± {prior.scatter:.3g}{' dex' if prior.logarithmic else ''}, {limits}"
        case _:
            return f"{prior.kind}, {limits}"
