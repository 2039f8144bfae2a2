"""The classical fit: which galaxies, through which point-spread function, and with which model."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDialogButtonBox,
    QFormLayout,
    QFrame,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.evaluate.work import FitWish
from app.widgets.dialog import Dialog
from app.widgets.forms import SettingsForm
from app.widgets.inputs import WholeSpin
from app.widgets.path_field import offer_files
from app.widgets.wheel import WheelGuard
from core.evaluate.settings import FitSettings
from core.simulate import presets
from core.simulate.psf_settings import PsfSettings

_USUAL = 300  # galaxies
SIMULATION, OWN = "Of the simulation", "My own PSF"
_ABOUT = {
    SIMULATION: "PSF, photon noise and zero point are those that the galaxies were simulated with.",
    OWN: "Without the gain below, the galaxies' own photons are not in the error bars.",
}
_OF_INSTRUMENT = "PSF and photon noise of the instrument; its zero point, unless the dataset has one."


class FitDialog(Dialog):
    """Asks how galaxies are to be fitted.

    Parameters
    ----------
    shown
        How many galaxies the shown part has.
    is_simulated
        Whether the dataset knows its own point-spread function.

    Notes
    -----
    Signals: ``wanted(FitWish)`` when the fit is to begin.
    """

    wanted = Signal(object)

    def __init__(self, shown: int, *, is_simulated: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("fit")
        self.setWindowTitle("Fit profiles")
        self.resize(520, 560)
        self._wheel = WheelGuard(self)
        self.count = WholeSpin()
        self.count.setRange(1, shown)
        self.count.setGroupSeparatorShown(True)
        self.count.setSuffix(f" of {shown:,}")
        self.count.setValue(min(shown, _USUAL))
        self.count.setToolTip("Galaxies of the part that is shown, drawn at random but always the same.")
        self.source = QComboBox()
        self.source.addItems([*([SIMULATION] if is_simulated else []), *presets.preset_names(), OWN])
        if not is_simulated:
            self.source.setPlaceholderText("Choose the instrument, or your own PSF")
            self.source.setCurrentIndex(-1)
        self.about = QLabel()
        self.about.setWordWrap(True)
        self.about.setProperty("role", "muted")
        self.psf = SettingsForm(PsfSettings, PsfSettings(kind="image"), reserves_problem=False)
        offer_files(self.psf, "path", "PSF image", "FITS (*.fits *.fit *.fits.gz *.fz)")
        self.form = SettingsForm(FitSettings, exclude={"segmentation"}, reserves_problem=False)
        for form in (self.psf, self.form):
            form.set_label_width(130)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.go_on = self.buttons.addButton("Fit", QDialogButtonBox.ButtonRole.AcceptRole)
        self.go_on.setProperty("role", "primary")
        self._lay_out()
        self.source.currentIndexChanged.connect(self._show)
        self.psf.changed.connect(self._show)
        self.psf.problem_changed.connect(self._show)
        self.form.problem_changed.connect(self._show)
        self.buttons.accepted.connect(self._accept)
        self.buttons.rejected.connect(self.reject)
        self._wheel.guard(self)
        self._show()

    def _lay_out(self) -> None:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 8, 0)
        top = QFormLayout()
        for text, field in (("Galaxies", self.count), ("PSF and noise", self.source)):
            label = QLabel(text)
            label.setFixedWidth(130)
            top.addRow(label, field)
        column.addLayout(top)
        for part in (self.about, self.psf, self.form):
            column.addWidget(part)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidget(inside)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(16, 14, 10, 12)
        whole.addWidget(scroll, 1)
        whole.addWidget(self.buttons)

    def _show(self, _value: object = None) -> None:
        chosen = self.source.currentText()
        self.psf.setVisible(chosen == OWN)
        self.about.setText(_ABOUT.get(chosen, _OF_INSTRUMENT if chosen else "The fit needs the PSF of the images."))
        psf: PsfSettings = self.psf.value()
        has_psf = bool(chosen) and (chosen != OWN or psf.kind != "image" or bool(psf.path))
        self.go_on.setEnabled(has_psf and not self.psf.problem and not self.form.problem)

    def _accept(self) -> None:
        chosen = self.source.currentText()
        psf = self.psf.value() if chosen == OWN else None
        preset = "" if chosen in (SIMULATION, OWN) else chosen
        self.wanted.emit(FitWish(self.count.value(), self.form.value(), preset, psf))
        self.accept()
