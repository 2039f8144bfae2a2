"""Base of the panels that look into the network of the open run."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel, QWidget

from app.explain.network_work import Pair
from app.panel.panel import Panel
from app.session.session import Session
from app.widgets.empty_state import EmptyState
from core.project.runs import describe_weights


class RunNetworkPanel(Panel):
    """A panel that looks into the open run's network, with the open dataset.

    A subclass implements what happens with another pair of network and dataset (:meth:`_show_network`), with another
    galaxy (:meth:`_show_current_galaxy`), and when the pair is outdated (:meth:`_forget`).

    Parameters
    ----------
    session
        Its open run and dataset are used.
    name
        Of the panel in the table of its room.
    symbol
        Name of an icon, for the panel without content.
    nothing, promise
        Title of the empty state without a dataset, and what the panel will show once there is a network.
    """

    def __init__(
        self, session: Session, name: str, symbol: str, nothing: str, promise: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(session, name, EmptyState(symbol, "", ""), parent)
        self._nothing, self._promise = nothing, promise
        self._pair: Pair | None = None
        self.weights = QLabel()
        self.weights.setProperty("role", "muted")
        self.weights.setToolTip("The same weights as predictions and evaluations use.")
        self._frame.insertWidget(0, self.weights)
        self.bands = self._add_band_row()
        for signal in (session.current_changed, session.dataset.changed, session.predictor_changed):
            signal.connect(self.refresh)
        session.runs_changed.connect(self._note_weights)

    def _note_weights(self) -> None:
        """Show the network of a run in training once it has weights, and say what is to come until then."""
        if self._pair is None or Pair.of(self._session) != self._pair:
            self.refresh()

    def _drop_outdated(self) -> None:
        if self._pair is not None and Pair.of(self._session) != self._pair:
            self._stop_requests()
            self._pair = None
            self.state.clear()
            self._forget()

    def _renew(self) -> None:
        pair, row = Pair.of(self._session), self._session.current
        self.bands.follow(None if pair is None else pair.predictor)
        if pair is None or row < 0:
            self._explain_emptiness()
        else:
            self._show_content()
            self.weights.setText(f"Weights: {describe_weights(pair.predictor)}")
            if self._pair is None:
                self._pair = pair
                self._show_network(pair)
            self._show_current_galaxy(pair, row)
        self.weights.setHidden(self._is_empty)
        self._show_state()

    def _explain_emptiness(self) -> None:
        if self._session.dataset.cutouts is None:
            self._show_empty(self._nothing, "Open a dataset and train a network first.")
        elif self._session.predictor_path is None and self._session.activity.training is not None:
            text = "A network is being trained: choose its run among the runs once its first weights are saved."
            self._show_empty("No network yet", f"{text} {self._promise}")
        elif self._session.predictor_path is None:
            self._show_empty("No network yet", f"Train a network or open an earlier run. {self._promise}")
        else:
            self._show_empty("No galaxy chosen", "Click one in the gallery.")

    def _forget(self) -> None:
        """Drop everything that belongs to the previous pair."""

    def _show_network(self, pair: Pair) -> None:
        """Show what belongs to the network and dataset alone."""

    def _show_current_galaxy(self, pair: Pair, row: int) -> None:
        """Show what belongs to the current galaxy."""
