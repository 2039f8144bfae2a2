"""The temperature of the probabilities, and the button that fits it or takes it back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QWidget

from app.widgets.plain_text import as_written

if TYPE_CHECKING:
    from core.nets.temperature import Temperature

_FIT_TIP = (
    "Temperature scaling: one number T that makes the probabilities fit the labels of the validation part best; "
    "p becomes p^(1/T), normalised. The order of the classes of a galaxy stays. It is kept with the run and used "
    "wherever its network answers (Guo et al. 2017)."
)
_ELSEWHERE_TIP = (
    "A temperature is fitted on the validation part of the dataset on which the run was trained: open that."
)
_OF_ENSEMBLE_TIP = (
    "Temperature scaling of the mean of the networks' probabilities, as these are calibrated or not: p becomes "
    "p^(1/T), normalised, with the T that fits the labels best of the validation galaxies that no network was trained "
    "on. It is kept with the ensemble, and left out when one of its networks is calibrated or trained on afterwards "
    "(Guo et al. 2017; Rahaman & Thiery 2021)."
)
_REMOVE_TIP = "Give the network its own probabilities back."
_REMOVE_OF_ENSEMBLE_TIP = "Give the ensemble the mean of its networks' probabilities back."


class TemperatureBar(QWidget):
    """What the temperature is, and one button."""

    fit_wanted = Signal()
    removal_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_fitted = False
        self.told = QLabel()
        self.told.setProperty("role", "muted")
        self.told.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.button = QPushButton()
        self.button.clicked.connect(self._emit)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self.told, 1)
        line.addWidget(self.button)
        self.show_temperature(None, is_own=True)

    def show_temperature(
        self, found: Temperature | None, *, is_own: bool, members: Sequence[float | None] = ()
    ) -> None:
        """Show a temperature; None: there is none, and one can be fitted on the dataset of the training.

        ``members`` are the temperatures of an ensemble's networks, None for those that are not calibrated.
        """
        self._is_fitted = found is not None
        fit, remove = (_OF_ENSEMBLE_TIP, _REMOVE_OF_ENSEMBLE_TIP) if members else (_FIT_TIP, _REMOVE_TIP)
        self.button.setText("Calibrate" if found is None else "Undo calibration")
        self.button.setToolTip(remove if found is not None else fit if is_own else _ELSEWHERE_TIP)
        self.button.setEnabled(is_own or found is not None)
        calibrated = sum(value is not None for value in members)
        text = "Temperature 1: the networks' mean" if members else "Temperature 1: the network's own"
        if found is not None:
            text = f"Temperature {found.value:.3g} ± {found.error:.2g}"
        elif calibrated:
            text = f"Networks' mean; {calibrated} of {len(members)} calibrated"
        self.told.setText(text)
        listed = ", ".join("1" if value is None else f"{value:.3g}" for value in members)
        of_networks = f" Temperatures of its networks: {listed}." if calibrated else ""
        said = f"{found.sentence}." if found is not None else fit
        self.told.setToolTip(as_written(f"{said}{of_networks}"))

    def _emit(self) -> None:
        (self.removal_wanted if self._is_fitted else self.fit_wanted).emit()
