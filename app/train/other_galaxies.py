"""Of which dataset galaxies are shown without labels: this one, another of the project, or any file."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QComboBox, QFileDialog, QWidget

from app.session.session import Session
from app.theme import icon
from core.settings.declare import knobs
from core.train.unlabelled.settings import UnlabelledSettings

_OWN = "This dataset"
_FILE = "Dataset file…"


class OtherGalaxies(QComboBox):
    """The choice of the dataset.

    Parameters
    ----------
    session
        Its draft ``settings.unlabelled.dataset`` is edited here.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setMinimumContentsLength(14)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setAccessibleName("Galaxies of")
        self.activated.connect(self._choose)
        session.draft.changed.connect(self.refresh)
        session.project_changed.connect(self.refresh)
        session.dataset.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """List the datasets anew, and show the one that is chosen."""
        session, settings = self._session, self._session.draft.settings.unlabelled
        cutouts = session.dataset.cutouts
        paths = [] if session.project is None else session.project.datasets()
        paths = [path for path in paths if cutouts is None or path != cutouts.path]
        chosen = Path(settings.dataset) if settings.dataset else None
        self.clear()
        self.addItem(icon("mdi6.database-outline"), _OWN, "")
        for path in [*paths, *([chosen] if chosen is not None and chosen not in paths else [])]:
            self.addItem(icon("mdi6.database-outline"), path.stem, str(path))
        self.addItem(icon("mdi6.file-outline"), _FILE, None)
        self.setCurrentIndex(max(self.findData(settings.dataset), 0))
        is_used = settings.method != "none"
        self.setEnabled(is_used)
        self.setToolTip(f"<p>{knobs(UnlabelledSettings)['dataset'].help}</p>" if is_used else "Choose a method first.")

    def _choose(self, place: int) -> None:
        path = self.itemData(place)
        if path is None:
            path = QFileDialog.getOpenFileName(self, "Galaxies without labels", "", "Datasets (*.h5)")[0]
        if path or place == 0:
            self._session.draft.edit("unlabelled.dataset", path)
        else:
            self.refresh()
