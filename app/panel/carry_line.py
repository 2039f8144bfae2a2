"""The line above the panels of a move: which network is carried to which dataset, both to be changed in place."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QWidget

from app.panel.network_chooser import NetworkChooser
from app.session.session import Session
from app.theme import icon
from app.widgets.plain_text import as_written

_LETTERS = 16  # of the width
_NONE = "Choose a dataset"
_OWN = "It was trained on this dataset."
_ABOUT_OWN = "Choose another network, or the dataset of another survey, to learn how it does where it is new."


class TargetChooser(QComboBox):
    """The project's datasets, the open one among them; another one is opened.

    Parameters
    ----------
    session
        Its open dataset is shown.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setMinimumContentsLength(_LETTERS)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setPlaceholderText(_NONE)
        self.setToolTip("The open dataset, to which the network is carried; another one is opened for all panels.")
        self.setAccessibleName("Dataset")
        self.activated.connect(self._take)
        session.dataset.changed.connect(self.show_datasets)
        session.project_changed.connect(self.show_datasets)
        self.show_datasets()

    def showPopup(self) -> None:
        """List what there is by now."""
        self.show_datasets()
        super().showPopup()

    def show_datasets(self) -> None:
        """List the datasets of the project."""
        project, cutouts = self._session.project, self._session.dataset.cutouts
        paths = [] if project is None else project.datasets()
        opened = None if cutouts is None else cutouts.path
        if opened is not None and opened not in paths:
            paths = [opened, *paths]
        self.clear()
        for place, path in enumerate(paths):
            self.addItem(icon("mdi6.database-outline"), path.stem, str(path))
            self.setItemData(place, as_written(str(path)), Qt.ItemDataRole.ToolTipRole)
        self.setCurrentIndex(-1 if opened is None else self.findData(str(opened)))

    def _take(self, place: int) -> None:
        path, cutouts = Path(self.itemData(place)), self._session.dataset.cutouts
        if cutouts is None or path != cutouts.path:
            self.show_datasets()  # it is shown as open once it is
            self._session.dataset_wanted.emit(path)


class CarryLine(QWidget):
    """“Carry NETWORK to DATASET”, the same in every panel of a move.

    Parameters
    ----------
    session
        Both are its.
    verb, joint
        What is done with the network, and how the dataset is joined to it.
    offers_encoder
        Whether an encoder of the hub is offered, too.
    """

    def __init__(
        self,
        session: Session,
        verb: str = "Carry",
        joint: str = "to",
        parent: QWidget | None = None,
        *,
        offers_encoder: bool = False,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self.network = NetworkChooser(session, offers_encoder=offers_encoder)
        self.target = TargetChooser(session)
        self.doubt = QLabel()
        self.doubt.setProperty("role", "muted")
        self.doubt.setToolTip(_ABOUT_OWN)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 2)
        for widget in (QLabel(verb), self.network, QLabel(joint), self.target):
            line.addWidget(widget)
        line.addWidget(self.doubt, 1)
        session.carried.changed.connect(self._show_doubt)
        session.dataset.changed.connect(self._show_doubt)
        self._show_doubt()

    def _show_doubt(self) -> None:
        self.doubt.setText(_OWN if self._session.carried.is_of_open_dataset else "")
