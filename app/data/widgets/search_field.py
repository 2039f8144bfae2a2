"""The words that choose galaxies; those that are typed while another dataset opens are meant for that one."""

from __future__ import annotations

from PySide6.QtWidgets import QLineEdit, QWidget


class SearchField(QLineEdit):
    """A field for words that occur in the id or in another text column."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_awaiting = self._is_for_next = False
        self.setPlaceholderText("Find")
        self.setToolTip("Words that occur in the id or in another text column.")
        self.setClearButtonEnabled(True)
        self.textEdited.connect(self._note_edit)

    def await_another(self) -> None:
        """From now on words are meant for the dataset that is about to be opened."""
        self._is_awaiting, self._is_for_next = True, False

    def begin_anew(self) -> None:
        """Another dataset is there: words that were meant for the one before are removed."""
        if not self._is_for_next:
            self.clear()
        self._is_awaiting = self._is_for_next = False

    def _note_edit(self, _text: str) -> None:
        self._is_for_next = self._is_awaiting
