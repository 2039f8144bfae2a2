"""All settings of a simulation: a preset to start from, and its parts one below the other."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QToolButton, QVBoxLayout, QWidget

from app.simulate.widgets.section_form import SectionForm
from app.simulate.widgets.source_list import SourceList
from app.theme import icon
from app.widgets.fold import Fold
from app.widgets.forms import SettingsForm
from app.widgets.message_line import MessageLine
from app.widgets.path_field import offer_files
from app.widgets.plain_text import on_button
from core.settings.declare import changed_settings, knobs
from core.simulate import presets
from core.simulate.realism_settings import IDEAL, REALISTIC
from core.simulate.settings import SimulationSettings

_PARTS = ("galaxies", "instrument", "psf", "noise", "realism")
_KEPT = ("count", "seed")  # by another preset; they are chosen elsewhere
_IMAGES = "FITS images (*.fits *.fit *.fits.gz *.fz)"


class SimulationForm(QWidget):
    """Preset and settings.

    Parameters
    ----------
    value
        The initial settings.

    Notes
    -----
    Signals: ``changed(settings)`` after every change by the user that leaves the whole valid, and then
    ``edited(before, after, names)`` with the states, what differs and its titles; ``problem_changed()``;
    ``density_wanted(editor, prior)`` for a prior from a catalogue; ``save_wanted()`` and ``load_wanted()``.
    """

    changed = Signal(object)
    edited = Signal(object, object, object)
    problem_changed = Signal()
    density_wanted = Signal(object, object)
    save_wanted = Signal()
    load_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._value = self._preset = presets.load_preset(presets.DEFAULT)
        self._told = (presets.DEFAULT, self._value)
        self._build()
        self._lay_out()
        self._connect()
        self._show()

    def _build(self) -> None:
        self.preset = QComboBox()
        self.preset.addItems(presets.preset_names())
        self.preset.setCurrentText(presets.DEFAULT)
        self.preset.setToolTip("Telescope, camera and filter to start from. Choose it again to drop all your changes.")
        self.note = MessageLine(2, grows=True)
        self.load, self.save = QToolButton(), QToolButton()
        for button, symbol, tip in (
            (self.load, "mdi6.folder-open-outline", "Load settings from a file"),
            (self.save, "mdi6.content-save-outline", "Save these settings as a file, also for the command line"),
        ):
            button.setIcon(icon(symbol))
            button.setToolTip(f"{tip}.")
            button.setAccessibleName(tip)
        self.parts = {name: SectionForm(getattr(self._value, name)) for name in _PARTS}
        self.stamps = SettingsForm(SimulationSettings, self._value, exclude={*_PARTS, *_KEPT})
        self.sources = SourceList()
        self.ideal, self.realistic = QPushButton("Ideal"), QPushButton("Realistic")
        self.ideal.setToolTip("Only smooth analytic profiles.")
        self.realistic.setToolTip("Arms, bars, clumps, companions, stars and cosmic rays, as often as in a survey.")
        offer_files(self.parts["psf"].form, "path", "Image of the PSF", _IMAGES)
        offer_files(self.parts["noise"].form, "sky", "Folder of your sky images")

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self.preset, 1)
        head.addWidget(self.load)
        head.addWidget(self.save)
        realism = QWidget()
        inside = QVBoxLayout(realism)
        inside.setContentsMargins(0, 0, 0, 0)
        at_once = QHBoxLayout()
        for button in (self.ideal, self.realistic):
            at_once.addWidget(button)
        at_once.addStretch(1)
        inside.addLayout(at_once)
        inside.addWidget(self.parts["realism"])
        contents: dict[str, QWidget] = {
            **self.parts,
            "realism": realism,
            "stamps": self.stamps,
            "sources": self.sources,
        }
        self.folds = {name: Fold(name, content) for name, content in contents.items()}
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 6, 0)
        column.setSpacing(6)
        column.addLayout(head)
        column.addWidget(self.note)
        for fold in self.folds.values():
            column.addWidget(fold)
        column.addStretch(1)
        self.folds["galaxies"].button.setChecked(True)

    def _connect(self) -> None:
        for name, part in self.parts.items():
            part.changed.connect(lambda value, name=name: self._take(self._value.model_copy(update={name: value})))
            part.problem_changed.connect(self.problem_changed)
            part.density_wanted.connect(self.density_wanted)
        self.stamps.changed.connect(self._stamps_edited)
        self.stamps.problem_changed.connect(self.problem_changed)
        self.preset.activated.connect(self._choose_preset)
        self.save.clicked.connect(lambda _checked=False: self.save_wanted.emit())
        self.load.clicked.connect(lambda _checked=False: self.load_wanted.emit())
        for button, realism in ((self.ideal, IDEAL), (self.realistic, REALISTIC)):
            button.clicked.connect(lambda _checked=False, realism=realism: self._set_realism(realism))

    # -- the value -------------------------------------------------------------------------------------------------

    @property
    def value(self) -> SimulationSettings:
        """The last valid settings."""
        return self._value

    @property
    def problem(self) -> str:
        """The reason why the input is not valid; empty if it is."""
        forms = (*self.parts.values(), self.stamps)
        return next((form.problem for form in forms if form.problem), "")

    def set_value(self, settings: SimulationSettings) -> None:
        """Show other settings, and emit ``changed``."""
        for name, part in self.parts.items():
            part.set_value(getattr(settings, name))
        self.stamps.set_value(settings)
        self._take(settings)
        self.problem_changed.emit()

    def edit(self, **values: Any) -> None:
        """Change some of the settings; what is typed stays where they are chosen elsewhere."""
        changed = self._value.model_copy(update=values)
        if values.keys() <= set(_KEPT):
            self._take(changed)
        else:
            self.set_value(changed)

    def request_densities(self) -> None:
        """Ask for the densities of the priors from catalogues once somebody listens."""
        for part in self.parts.values():
            for editor in part.priors.values():
                editor.request_density()

    def _take(self, settings: SimulationSettings) -> None:
        self._value = settings
        self._show()
        if not self.problem:
            self.changed.emit(settings)
            self._tell_edit()

    def snapshot(self) -> tuple[str, SimulationSettings]:
        """The preset that was started from, and the last valid settings that were announced."""
        return self._told

    def restore(self, state: tuple[str, SimulationSettings]) -> None:
        """Show an earlier state, and emit ``changed``."""
        self._told = state
        name, settings = state
        if name != self.preset.currentText():
            self.preset.setCurrentText(name)
            self._preset = presets.load_preset(name)
        self.set_value(settings)

    def _tell_edit(self) -> None:
        """Announce what the user has changed since it was announced last."""
        (old_name, old), (name, new) = before, now = self._told, (self.preset.currentText(), self._value)
        if now != before:
            self._told = now
            self.edited.emit(before, now, {"preset": "Preset"} if name != old_name else changed_settings(old, new))

    def _stamps_edited(self, settings: SimulationSettings) -> None:
        own = {name: getattr(settings, name) for name in knobs(SimulationSettings) if name not in (*_PARTS, *_KEPT)}
        self._take(self._value.model_copy(update=own))

    def _choose_preset(self, _place: int) -> None:
        kept = {name: getattr(self._value, name) for name in _KEPT}
        self._preset = presets.load_preset(self.preset.currentText())
        self.set_value(self._preset.model_copy(update=kept))

    def _set_realism(self, realism: object) -> None:
        self.edit(realism=realism)

    # -- showing ---------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        name, value = self.preset.currentText(), self._value
        kept = {each: getattr(value, each) for each in _KEPT}
        changed = value != self._preset.model_copy(update=kept)
        note = presets.preset_note(name)
        note = f"Changed by you. {note}".strip() if changed else note
        if note != self.note.text():
            self.note.setText(note)
        self.sources.show_sources(presets.preset_sources(name), self._preset, value)
        titles = knobs(SimulationSettings)
        for each, fold in self.folds.items():
            title = titles[each].title if each in titles else each.capitalize()
            text = on_button(" · ".join(filter(None, (title, _summarise(each, value)))))
            if text != fold.button.text():  # another text has everything laid out anew
                fold.button.setText(text)


def _summarise(part: str, settings: SimulationSettings) -> str:
    """What a part is set to, in a few words beside its title."""
    match part:
        case "galaxies":
            return settings.galaxies.kind
        case "instrument":
            return f"{settings.instrument.name} {settings.instrument.band}, {settings.instrument.pixel_scale:.3g}″/px"
        case "psf":
            return settings.psf.kind + ("" if settings.psf.kind == "image" else f", {settings.psf.fwhm:.3g}″")
        case "noise":
            return "CCD" if settings.noise.kind == "ccd" else settings.noise.kind
        case "realism":
            shares = {"arms", "bars", "clumps", "tidal", "companions", "stars", "gradients", "cosmic_rays"}
            return "some features" if any(getattr(settings.realism, name) for name in shares) else "none"
        case "stamps":
            return f"{settings.size} × {settings.size} pixels"
        case _:
            return ""
