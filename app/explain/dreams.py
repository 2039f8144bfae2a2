"""Dreams: images optimised towards a class, a quantity or a layer (activation maximisation), shown as they grow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.explain import network_work
from app.explain.network_panel import RunNetworkPanel
from app.explain.network_work import Pair
from app.explain.widgets.dream_view import DreamView
from app.session.session import Session
from app.theme import icon
from app.widgets.focus_guard import keep_from_focus
from app.widgets.reserved import share_place
from app.widgets.responsive_split import ResponsiveSplit, Scrollable
from app.widgets.split_form import SplitForm
from core.data.stretch import default_stretch
from core.data.target import Quantities
from core.events import Preview, Progress
from core.explain.settings import ClassDreamSettings, DeepDreamSettings

if TYPE_CHECKING:
    from core.explain.dream import Dream

DreamKind = Literal["class", "quantity", "layer"]


class DreamsPanel(RunNetworkPanel):
    """Choose the objective, start, and watch the image and its curve.

    Parameters
    ----------
    session
        Its current galaxy gives sky and colours, or is the start image; the network is that of its open run.

    Attributes
    ----------
    dream
        The dream on display, possibly unfinished; None: none yet.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(
            session,
            "dreams",
            "mdi6.creation-outline",
            "Nothing to dream yet",
            "Then see what it takes for a perfect galaxy.",
            parent,
        )
        self._row = -1  # of the galaxy that the dream on display came from
        self._outline: network_work.NetworkOutline | None = None
        self.dream: Dream | None = None
        self._build()
        self._connect()
        self.refresh()

    def _build(self) -> None:
        self.subject = QComboBox()
        self.subject.setToolTip("A class or quantity to see at its clearest, or a layer to amplify in the galaxy.")
        self.subject.setMaxVisibleItems(24)
        self.forms: dict[DreamKind, SplitForm] = {
            "class": SplitForm(ClassDreamSettings, ("start", "penalty", "steps"), "How it grows", ("wished",)),
            "quantity": SplitForm(ClassDreamSettings, ("wished", "start", "penalty", "steps"), "How it grows"),
            "layer": SplitForm(DeepDreamSettings, ("filter", "octaves", "steps"), "How it grows", ("layer",)),
        }
        self._session.keep_undo(*(part for form in self.forms.values() for part in form.parts))
        self.galaxy = QLabel()
        self.galaxy.setProperty("role", "muted")
        self.galaxy.setWordWrap(True)
        self.start = QPushButton(icon("mdi6.play", "on_accent"), "Start")
        self.start.setProperty("role", "primary")
        self.stop = QPushButton(icon("mdi6.stop"), "Stop")
        keep_from_focus(self.stop)
        share_place(self.start, self.stop)
        self.stop.setToolTip("Keep the image as it is now.")
        self.save = QPushButton(icon("mdi6.content-save-outline"), "Save…")
        self.save.setToolTip("Write the dream as a picture, and beside it as FITS.")
        self.view = DreamView()
        self._set_content(
            ResponsiveSplit(
                Scrollable(self._build_settings()), self._build_pictures(), 620, (290, 560), (260, 400), parent=self
            )
        )

    def _build_settings(self) -> QWidget:
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 6, 0)
        column.setSpacing(8)
        head = QHBoxLayout()
        head.addWidget(QLabel("Dream of"))
        head.addWidget(self.subject, 1)
        column.addLayout(head)
        for form in self.forms.values():
            column.addWidget(form)
        column.addWidget(self.galaxy)
        column.addStretch(1)
        return side

    def _build_pictures(self) -> QWidget:
        side = QWidget()
        buttons = QHBoxLayout()
        buttons.addWidget(self.start)
        buttons.addWidget(self.stop)
        buttons.addWidget(self.state, 1)
        buttons.addWidget(self.save)
        column = QVBoxLayout(side)
        column.setContentsMargins(6, 0, 0, 0)
        column.addLayout(buttons)
        column.addWidget(self.view, 1)
        return side

    def _connect(self) -> None:
        self._outline_request = self._make_request(self._offer_subjects)
        self.work.happened.connect(self._take_events)
        self.work.finished.connect(self._show)
        self.work.ended.connect(self._show_galaxy)
        self.subject.currentIndexChanged.connect(self._show_form)
        self.start.clicked.connect(self.begin)
        self.stop.clicked.connect(self.work.stop)
        self.save.clicked.connect(self._save_dream)

    # -- the objective ---------------------------------------------------------------------------------------------

    def _forget(self) -> None:
        self._outline = self.dream = None
        self.subject.clear()
        self.view.clear()
        self._show_state()

    def _show_network(self, pair: Pair) -> None:
        assert self._session.dataset.cutouts is not None
        self._outline_request.start(network_work.describe_network(pair, self._session.dataset.cutouts.shape[1:]))

    def _show_current_galaxy(self, pair: Pair, row: int) -> None:
        del pair, row
        self._show_galaxy()

    def _offer_subjects(self, outline: network_work.NetworkOutline) -> None:
        self._outline = outline
        self.subject.clear()
        for name in outline.outputs:
            self.subject.addItem(name, ("output", name))
        self.subject.insertSeparator(self.subject.count())
        for name, title in outline.titles.items():
            self.subject.addItem(title, ("layer", name))
        self._show_form()

    def _show_form(self, _place: int = 0) -> None:
        for kind, form in self.forms.items():
            form.setVisible(kind == self._kind)
        self._show_galaxy()
        self._show_state()

    @property
    def _kind(self) -> DreamKind:
        subject_kind, _ = self.subject.currentData() or ("output", "")
        if subject_kind == "layer":
            return "layer"
        return "quantity" if self._outline is not None and isinstance(self._outline.target, Quantities) else "class"

    def _show_galaxy(self) -> None:
        """Show the role of the current galaxy and, until there is a dream, its image."""
        cutouts, row = self._session.dataset.cutouts, self._session.current
        if self._pair is None or cutouts is None or row < 0:
            return
        name = cutouts.ids[row]
        grows = self._kind == "layer"
        self.galaxy.setText(f"{name} is amplified." if grows else f"{name} provides sky, colours and brightness.")
        if self.dream is None and not self.work.is_running:
            self._set_look(row)
            self.view.show_galaxy(cutouts.images[row], name)

    def _show_state(self) -> None:
        is_idle = not self.work.is_running
        self.start.setVisible(is_idle)
        self.start.setEnabled(is_idle and self._outline is not None)
        self.stop.setVisible(not is_idle)
        self.save.setEnabled(is_idle and self.dream is not None)

    # -- dreaming --------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Start the optimisation."""
        pair, row, form = self._pair, self._session.current, self.forms[self._kind]
        if pair is None or self._outline is None or self.work.is_running:
            return
        if form.problem:
            self.state.setText(form.problem)
            return
        subject_kind, name = self.subject.currentData()
        settings, self.dream = form.value(), None
        if isinstance(settings, DeepDreamSettings):
            settings = settings.model_copy(update={"layer": name})
        self._set_look(row)
        self.view.begin(self._curve_title(name), settings.steps, getattr(settings, "wished", None))
        self._begin(network_work.make_dream(pair, row, name if subject_kind == "output" else None, settings))

    def _curve_title(self, name: str) -> str:
        """Name the quantity that the curve shows."""
        if self._kind == "layer":
            number = self.forms["layer"].value().filter
            whose = (
                f"Mean squared response of {name}" if number is None else f"Mean response of {name}, filter {number}"
            )
            return f"{whose}, octave by octave"
        if self._outline is not None and isinstance(target := self._outline.target, Quantities):
            unit = target.units[target.columns.index(name)]
            return f"{name} [{unit}]" if unit else name
        return f"Score of {name}"

    def _take_events(self, events: Sequence[object]) -> None:
        totals = [event.total for event in events if isinstance(event, Progress) and event.total]
        if totals:
            self.view.curve.set_steps(totals[-1])
        previews = [event.what for event in events if isinstance(event, Preview)]
        if previews:
            self._show(previews[-1])  # pyrefly: ignore[bad-argument-type]

    # -- showing and saving ----------------------------------------------------------------------------------------

    def _set_look(self, row: int) -> None:
        """Use this galaxy's bands, stretch and pixel scale for the images from now on."""
        self._row = row
        if (cutouts := self._session.dataset.cutouts) is not None:
            bands = [band.name for band in cutouts.bands]
            own = bands if self._outline is None else self._outline.bands
            self.view.set_look(default_stretch(cutouts.is_picture), bands, own, float(cutouts.pixel_scale[row]))

    def _show(self, dream: Dream) -> None:
        self.dream = dream
        self.view.show_dream(dream)

    def _save_dream(self) -> None:
        dream, pair = self.dream, self._pair
        if dream is None or pair is None:
            return
        kinds = "Picture, and FITS beside it (*.png)"
        path = self._ask_path("Save the dream", f"{dream.stem}.png", kinds, beside=".fits")
        if path is not None:
            job = network_work.save_dream(dream, pair, self._row, path)
            self._save(job, lambda both: f"{both[0].name} and {both[1].name} are saved in {both[0].parent}.")
